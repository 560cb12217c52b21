"""The heartbeat of a factory: one cycle, again and again, sooner when something happened."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from vcycle.core.bucket import Bucket

BURST = 5
EVERY = 2.0
"""Early cycles: so many at once, then one each so many seconds."""


class FactoryService(Service):
    """
    Runs ``cycle(early)`` every ``interval`` seconds, never two at once. A cycle that fails
    is logged and the next one still runs; stopping waits for the last.

    ``wake`` asks for a cycle at once; it comes at once, unless too many came so before.
    """

    _log = Logger()

    def __init__(
        self, clock: IReactorTime, interval: float, cycle: Callable[[bool], Awaitable[None]]
    ) -> None:
        self._clock = clock
        self._cycle = cycle
        self._loop = LoopingCall(self._regular)
        self._loop.clock = clock
        self._loop.interval = interval
        self._bucket = Bucket(burst=BURST, every=EVERY)
        self._early: IDelayedCall | None = None
        self._busy: Deferred[None] | None = None
        self._again = False

    @property
    def interval(self) -> float:
        """Seconds from one regular cycle's start to the next; may be set at any time."""
        return float(self._loop.interval or 0.0)

    @interval.setter
    def interval(self, seconds: float) -> None:
        self._loop.interval = seconds

    def startService(self) -> None:
        super().startService()
        self._loop.start(self.interval, now=True)

    def stopService(self) -> Deferred[None]:
        super().stopService()
        if self._loop.running:
            self._loop.stop()
        if self._early is not None and self._early.active():
            self._early.cancel()
        self._again = False
        if self._busy is None:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._busy.addCallback(lambda _: done.callback(None))
        return done

    def wake(self) -> None:
        """Something may have changed: look soon. During a cycle this asks for another."""
        if not self.running:
            return
        if self._busy is not None:
            self._again = True
        elif self._early is None or not self._early.active():
            wait = self._bucket.wait(self._clock.seconds())
            self._early = self._clock.callLater(wait, self._run, early=True)

    def _regular(self) -> None:
        """LoopingCall does not wait for what runs on: a slow cycle only makes the next one late."""
        if self._busy is None:
            if self._early is not None and self._early.active():
                self._early.cancel()
            self._run(early=False)

    def _run(self, early: bool) -> None:
        busy: Deferred[None] = Deferred()
        self._busy = busy
        Deferred.fromCoroutine(self._one(early)).addBoth(self._over, busy)

    async def _one(self, early: bool) -> None:
        try:
            await self._cycle(early)
        except Exception:
            self._log.failure("cycle failed; next in {interval}s", interval=self.interval)

    def _over(self, result: object, busy: Deferred[None]) -> None:
        self._busy = None
        busy.callback(None)
        if self._again:
            self._again = False
            self.wake()
