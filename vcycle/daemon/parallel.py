"""Several things at once, but never more than a few."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Iterable
from typing import Any, Callable, TypeVar

from twisted.internet.defer import Deferred, DeferredSemaphore, FirstError, gatherResults

T = TypeVar("T")
R = TypeVar("R")


async def each(limit: int, work: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
    """
    ``work`` on each item, ``limit`` at a time; the answers in the order of the items.

    Should one raise, that is raised here, and the others go on unheard.
    """
    semaphore = DeferredSemaphore(limit)

    def start(item: T) -> Deferred[R]:
        return Deferred.fromCoroutine(_await(work(item)))

    running = [semaphore.run(start, item) for item in items]
    try:
        return list(await gatherResults(running, consumeErrors=True))
    except FirstError as error:
        cause = error.subFailure.value
        assert cause is not None, "a failure has a cause"
        raise cause from None


async def both(first: Coroutine[Any, Any, T], second: Coroutine[Any, Any, R]) -> tuple[T, R]:
    """Two things side by side; should one raise, that is raised here, and the other goes on."""
    one, two = Deferred.fromCoroutine(first), Deferred.fromCoroutine(second)
    try:
        return await one, await two
    except BaseException:
        two.addErrback(lambda _: None)
        raise


async def _await(answer: Awaitable[R]) -> R:
    return await answer
