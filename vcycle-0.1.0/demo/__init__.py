"""The demonstration: a tiny guest, and a factory that shows what Vcycle does with it."""
