"""Several things at once, but never more than a few."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import Callable, TypeVar

from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults

T = TypeVar("T")
R = TypeVar("R")


async def each(limit: int, work: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
    """``work`` on each item, ``limit`` at a time, in order; ``work`` must not raise."""
    semaphore = DeferredSemaphore(limit)

    def start(item: T) -> Deferred[R]:
        return Deferred.fromCoroutine(_await(work(item)))

    return list(await gatherResults([semaphore.run(start, item) for item in items]))


async def _await(answer: Awaitable[R]) -> R:
    return await answer
