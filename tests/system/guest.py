"""The guest of the system tests: the demonstration's own, built once and kept."""

from __future__ import annotations

import os
from pathlib import Path

from demo.guest.build import Guest, default_directory, ready_guest

# A user_data of three lines that beats once, ends well and turns the machine off.
WORKS = b"#!/bin/sh\nheartbeat\nshutdown_message 200 Success\n"
# Beats once, and then neither beats nor ends.
HANGS = b"#!/bin/sh\nheartbeat\nsleep 100000\n"
# Ends at once without a word.
FIZZLES = b"#!/bin/sh\nexit 1\n"


def kept_guest() -> Path:
    """Where the guest is kept, with the packages that it was built from."""
    place = os.environ.get("VCYCLE_GUEST")
    return Path(place) if place else default_directory()


def guest(iso: bool = False) -> Guest:
    """
    The guest, built first if it is not there; ``VCYCLE_GUEST`` names another place for it.

    :raises GuestError: it cannot be built here; a system test then fails with that text.
    """
    return ready_guest(kept_guest(), iso)
