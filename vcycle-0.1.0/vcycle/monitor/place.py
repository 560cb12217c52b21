"""Where the daemon's Unix sockets are; for the daemon and for those who ask it."""

from __future__ import annotations

import os

SOCKET_NAME = "vcycled.sock"
CONTROL_NAME = "control.sock"
# The kernel's own bound is a little higher, and its message names neither path nor cure.
LONGEST = 100


def socket_path(state_dir: str) -> str:
    """The path of the socket for questions of the daemon that has this ``state_dir``."""
    return os.path.join(state_dir, SOCKET_NAME)


def control_path(state_dir: str) -> str:
    """The path of the socket for orders."""
    return os.path.join(state_dir, CONTROL_NAME)


def refused_path(path: str) -> str | None:
    """Why no Unix socket can be at a path, and the cure; None if one can."""
    length = len(os.fsencode(path))
    if length <= LONGEST:
        return None
    return (
        f"{path}: the path of a Unix socket may have {LONGEST} bytes, and this has {length}; "
        "choose a shorter state_dir"
    )
