"""Several things at once, but never more than a few."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Iterable
from typing import Any, Callable, TypeVar

from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.python.failure import Failure

T = TypeVar("T")
R = TypeVar("R")


async def each(limit: int, work: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
    """
    ``work`` on each item, ``limit`` at a time; the answers in the order of the items.

    Should one raise, that is raised here, and the others go on unheard.
    """
    # Only what is at work costs anything: thousands of items are not all begun at once.
    waiting = enumerate(items)
    answers: dict[int, R] = {}
    done: Deferred[None] = Deferred()

    async def work_off() -> None:
        for number, item in waiting:
            try:
                answers[number] = await work(item)
            except Exception as error:
                if not done.called:
                    done.errback(error)

    def finish(result: object) -> None:
        if not done.called:
            done.errback(_cause(result)) if isinstance(result, Failure) else done.callback(None)

    running = [Deferred.fromCoroutine(work_off()) for _ in range(limit)]
    gatherResults(running, consumeErrors=True).addBoth(finish)
    await done
    return [answers[number] for number in sorted(answers)]


def _cause(failure: Failure) -> Failure:
    return failure.value.subFailure if isinstance(failure.value, FirstError) else failure


async def both(first: Coroutine[Any, Any, T], second: Coroutine[Any, Any, R]) -> tuple[T, R]:
    """Two things side by side; should one raise, that is raised here, and the other goes on."""
    one, two = Deferred.fromCoroutine(first), Deferred.fromCoroutine(second)
    try:
        return await one, await two
    except BaseException:
        two.addErrback(lambda _: None)
        raise
