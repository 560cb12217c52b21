"""Threads for tests that need none."""

from __future__ import annotations

from typing import Callable, TypeVar

R = TypeVar("R")


async def in_place(work: Callable[[], R], deadline: float | None = None) -> R:
    """Do the work here and now: a RunInThread."""
    return work()
