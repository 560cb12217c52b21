"""Waiting for what becomes true by itself, and never for ever."""

from __future__ import annotations

import time
from typing import Callable, TypeVar

T = TypeVar("T")

POLL = 0.1


def until(
    what: str,
    look: Callable[[], T | None],
    seconds: float,
    told: Callable[[], str] = str,
    poll: float = POLL,
) -> T:
    """
    What ``look`` finds, once it finds anything that is true.

    :raises AssertionError: it did not within so many seconds; ``told`` says what happened instead.
    """
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:.0f} s: {what}\n{told()}")
        time.sleep(poll)


def holds(
    what: str, look: Callable[[], object], seconds: float, told: Callable[[], str] = str
) -> None:
    """
    Something goes on being true for so many seconds.

    :raises AssertionError: it ceased to be.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not look():
            raise AssertionError(f"no longer true: {what}\n{told()}")
        time.sleep(POLL)
