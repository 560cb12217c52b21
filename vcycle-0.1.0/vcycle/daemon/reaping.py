"""Reaping, while libvirt's driver is embedded in this process."""

from __future__ import annotations

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from vcycle.providers.libvirt.reap import Reaper, adopt_orphans

REAP_SECONDS = 0.1


class ReapingService(Service):
    """Makes this process the parent of its guests' processes, and lets none of them linger."""

    _log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._loop = LoopingCall(Reaper().reap)
        self._loop.clock = clock

    def startService(self) -> None:
        super().startService()
        if adopt_orphans():
            self._loop.start(REAP_SECONDS)
        else:
            self._log.debug("no subreaper here; the init process reaps guests")

    def stopService(self) -> None:
        super().stopService()
        if self._loop.running:
            self._loop.stop()
