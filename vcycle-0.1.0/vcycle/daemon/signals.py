"""What signals ask of the daemon."""

from __future__ import annotations

import signal
from collections.abc import Awaitable
from typing import Any, Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorCore, IReactorFromThreads
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import Interface


class ISignalsReactor(IReactorCore, IReactorFromThreads, Interface):
    """What is needed of a reactor: it tells when it runs, and it can be called from anywhere."""


class Signals:
    """SIGHUP reads the configuration again, by ``reload``; SIGTERM and SIGINT end the daemon."""

    _log = Logger()

    def __init__(self, reactor: ISignalsReactor, reload: Callable[[], Awaitable[None]]) -> None:
        self._reactor = reactor
        self._reload = reload
        self._ending = False

    def take(self) -> None:
        """From now on they come to us."""
        signal.signal(signal.SIGHUP, self._hang_up)
        # The reactor takes the others for itself as it begins to run.
        self._reactor.callWhenRunning(self._take_ends)

    def _take_ends(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def _end(self, signum: int, frame: Any) -> None:
        """An impatient second signal asks for nothing that the first did not."""
        if not self._ending:
            self._ending = True
            self._reactor.callFromThread(self._reactor.stop)

    def _hang_up(self, signum: int, frame: Any) -> None:
        self._reactor.callFromThread(self._again)

    def _again(self) -> None:
        async def again() -> None:
            await self._reload()

        Deferred.fromCoroutine(again()).addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        self._log.failure("the configuration could not be read again", failure=failure)
