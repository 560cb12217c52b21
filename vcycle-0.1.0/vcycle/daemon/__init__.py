"""The daemon: everything wired together, and running."""
