"""Timers that do not jump when the clock is set."""

from __future__ import annotations

import time
from typing import Any


def steady(reactor: Any) -> None:
    """
    Have the reactor count its time from the boot, not from 1970; before it has any timer.

    Twisted counts by the wall clock: set back by an hour it would call nobody for an hour,
    and set forth it would end every deadline at once.
    """
    reactor.seconds = time.monotonic
