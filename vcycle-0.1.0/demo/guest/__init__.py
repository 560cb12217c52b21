"""A tiny guest made from distribution packages: a kernel, busybox and a few scripts."""
