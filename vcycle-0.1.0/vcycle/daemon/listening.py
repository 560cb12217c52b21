"""A service that listens, and that nothing else depends on: where it cannot, that is told."""

from __future__ import annotations

from typing import Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from vcycle.core.errors import VcycleError
from vcycle.daemon import events

AGAIN_SECONDS = 30.0


class Listener(Protocol):
    """What listens between its start and its stop; a start that fails may be tried again."""

    def startService(self) -> None: ...

    def stopService(self) -> Deferred[None]: ...


class Listening(Service):
    """
    Has a ``listener`` listen. One that cannot keeps nobody from starting: it is told of once, and
    tried again. ``purpose`` is how the line begins, and ``problem`` the same while it is so.
    """

    def __init__(self, reactor: IReactorTime, listener: Listener, purpose: str) -> None:
        self._reactor = reactor
        self._listener = listener
        self._purpose = purpose
        self._again: IDelayedCall | None = None
        self.problem: str | None = None

    def startService(self) -> None:
        super().startService()
        self._listen()

    def _listen(self) -> None:
        self._again = None
        try:
            self._listener.startService()
        except (VcycleError, OSError) as error:
            problem = f"{self._purpose}: {error}"
            if problem != self.problem:
                events.alarmed("vcycled", f"{problem}; it is tried again")
            self.problem = problem
            self._again = self._reactor.callLater(AGAIN_SECONDS, self._listen)
        else:
            self.problem = None

    def stopService(self) -> Deferred[None]:
        """Stop what listens, if it does."""
        super().stopService()
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self.problem is not None:
            return succeed(None)
        return maybeDeferred(self._listener.stopService)
