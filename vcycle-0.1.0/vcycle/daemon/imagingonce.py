"""The cache of images for a command: as the daemon has it, for as long as some work takes."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Callable, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from vcycle.core.config.model import Settings
from vcycle.core.errors import FetchError
from vcycle.core.images.news import News
from vcycle.daemon.imaging import Imaging

R = TypeVar("R")


def imaging_once(settings: Settings, work: Callable[[Any, Imaging], Awaitable[R]]) -> R:
    """
    Run the reactor until ``work(reactor, imaging)`` is done, and give what it gave; once in a
    process.

    :raises FetchError: it was interrupted.
    """
    from twisted.internet import reactor as global_reactor

    reactor: Any = global_reactor
    imaging = Imaging(reactor, settings, tell=_quietly, woken=lambda: None)
    results: list[R | Failure] = []

    async def worked() -> R:
        return await work(reactor, imaging)

    def done(result: R | Failure) -> None:
        results.append(result)
        imaging.stopService()
        reactor.stop()

    def begin() -> None:
        imaging.startService()
        Deferred.fromCoroutine(worked()).addBoth(done)

    reactor.callWhenRunning(begin)
    reactor.run()
    [result] = results or [Failure(FetchError("interrupted"))]
    if isinstance(result, Failure):
        result.raiseException()
    return result


def _quietly(news: News) -> None:
    """Whoever works with it is told by the results."""
