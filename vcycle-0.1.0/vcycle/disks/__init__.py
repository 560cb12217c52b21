"""The disks of machines: overlays and blank ones."""
