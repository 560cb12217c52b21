"""Asking many factories at once, without a socket or a clock."""
