"""Children that start in order and stop one after another, in reverse."""

from __future__ import annotations

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, TimeoutError, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from vcycle.daemon import events


class OrderedServices(MultiService):
    """
    MultiService tells every child to stop at the same moment. Here a child is told only
    once all those started after it have finished stopping, so that the last cycle still
    finds its provider's threads alive; a child that takes longer than ``patience`` seconds
    is left behind.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime, patience: float) -> None:
        super().__init__()
        self._clock = clock
        self._patience = patience

    def stopService(self) -> Deferred[None]:
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop_in_turn())

    async def _stop_in_turn(self) -> None:
        for child in reversed(list(self)):
            try:
                await self._patiently(maybeDeferred(child.stopService))
            except TimeoutError:
                events.left_behind(child.name or type(child).__name__, self._patience)
            except Exception:
                self._log.failure("{child} did not stop cleanly", child=child)

    async def _patiently(self, stopping: Deferred[object]) -> None:
        """
        Wait, but not for ever, and cancel nothing: others may wait for parts of it as well.

        :raises TimeoutError: it goes on; how it ends does not matter any more.
        """
        stopped: Deferred[object] = Deferred()
        timer = self._clock.callLater(self._patience, stopped.errback, TimeoutError())
        stopping.addBoth(lambda result: None if stopped.called else stopped.callback(result))
        try:
            await stopped
        finally:
            if timer.active():
                timer.cancel()
