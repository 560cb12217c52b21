"""What can go wrong while a guest is built."""

from __future__ import annotations


class GuestError(Exception):
    """The guest cannot be built; the text says why, and the cure."""
