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
from vcycle.core.errors import VcycleError
from vcycle.daemon import events

BURST = 5
EVERY = 2.0
"""Early cycles: so many at once, then one each so many seconds."""


class FactoryService(Service):
    """
    Runs ``cycle(early)`` every ``interval`` seconds, never two at once. A cycle that fails
    is logged and the next one still runs; stopping waits for the last.

    ``wake`` asks for a cycle at once; it comes at once, unless too many came so before. The first
    cycle comes at once too, and the others from ``phase`` times the interval on: so factories that
    start together do not all decide at the same moments.
    ``trouble`` is why the last cycle failed, None if it did not.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        interval: float,
        cycle: Callable[[bool], Awaitable[None]],
        phase: float = 1.0,
    ) -> None:
        self._clock = clock
        self._cycle = cycle
        self._interval = interval
        self._bucket = Bucket(burst=BURST, every=EVERY)
        self._regular = LoopingCall(self._tick)
        self._regular.clock = clock
        self._phase = phase
        self._begin: IDelayedCall | None = None
        self._early: IDelayedCall | None = None
        self._busy: Deferred[None] | None = None
        self._busy_early = False
        self._overdue = False
        self._again = False
        self._turned = clock.seconds()
        self.trouble: str | None = None

    @property
    def silence(self) -> float:
        """Seconds since a cycle last ended, or since the start."""
        return self._clock.seconds() - self._turned

    @property
    def interval(self) -> float:
        """Seconds from one regular cycle's start to the next; may be set at any time."""
        return self._interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        if seconds != self._interval:
            self._interval = self._regular.interval = seconds
            if self._begin is not None:
                self._begin.reset(self._phase * seconds)
            # While it is just calling us it has no call to come, and takes the new interval.
            if self._regular.running and self._regular.call is not None:
                self._regular.reset()

    def startService(self) -> None:
        super().startService()
        self._turned = self._clock.seconds()
        self._begin = self._clock.callLater(self._phase * self._interval, self._regularly)
        self._tick()

    def _regularly(self) -> None:
        self._begin = None
        self._regular.start(self._interval)

    def stopService(self) -> Deferred[None]:
        super().stopService()
        if self._regular.running:
            self._regular.stop()
        _cancel(self._begin)
        _cancel(self._early)
        self._begin = self._early = None
        self._again = self._overdue = False
        if self._busy is None:
            return succeed(None)
        # Whoever does not wait any longer has no need to hear of it.
        done: Deferred[None] = Deferred(lambda waiting: waiting.callback(None))
        self._busy.addCallback(lambda _: None if done.called else done.callback(None))
        return done

    def wake(self) -> None:
        """Something may have changed: look soon. During a cycle this asks for another."""
        if not self.running:
            return
        if self._busy is not None:
            self._again = True
        elif self._early is None:
            wait = self._bucket.wait(self._clock.seconds())
            self._early = self._clock.callLater(wait, self._run, early=True)

    def _tick(self) -> None:
        """During an early cycle the regular one is late; during a regular one it is left out."""
        if self._busy is None:
            self._run(early=False)
        else:
            self._overdue = self._busy_early

    def _run(self, early: bool) -> None:
        _cancel(self._early)
        self._early = None
        busy: Deferred[None] = Deferred()
        self._busy, self._busy_early = busy, early
        Deferred.fromCoroutine(self._one(early)).addBoth(self._over, busy)

    async def _one(self, early: bool) -> None:
        try:
            await self._cycle(early)
            self.trouble = None
        except VcycleError as error:
            self.trouble = f"its cycle failed: {error}"
            if self.running:
                events.cycle_failed(self.name or "vcycled", str(error), self._interval)
        except Exception as error:
            fault = "a fault of Vcycle itself, see its log"
            self.trouble = f"its cycle failed: {fault}: {type(error).__name__}"
            self._log.failure("cycle failed; next in {interval}s", interval=self._interval)

    def _over(self, result: object, busy: Deferred[None]) -> None:
        self._busy = None
        self._turned = self._clock.seconds()
        busy.callback(None)
        overdue, again = self._overdue, self._again
        self._overdue = self._again = False
        if overdue:
            self._run(early=False)
        elif again:
            self.wake()


def _cancel(call: IDelayedCall | None) -> None:
    if call is not None and call.active():
        call.cancel()
