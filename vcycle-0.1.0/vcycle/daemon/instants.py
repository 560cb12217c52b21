"""The host's clocks, for programs that load no Twisted."""

from __future__ import annotations

import time


def wall() -> float:
    """Unix seconds."""
    return time.time()


def steady() -> float:
    """Seconds of a clock that nobody sets."""
    return time.monotonic()
