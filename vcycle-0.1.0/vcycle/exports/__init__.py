"""Lends directories to machines, by NFS."""
