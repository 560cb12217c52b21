"""Counts what the log says of things that went wrong."""

from __future__ import annotations

from typing import Callable

from twisted.application.service import Service
from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from zope.interface import implementer

UNFORESEEN = "unforeseen"
NAMED = "vcycle"


@implementer(ILogObserver)
class ErrorCounts(Service):
    """Has each warning and error counted by the name of its line, while it runs."""

    def __init__(self, count: Callable[[str], None]) -> None:
        self._count = count

    def startService(self) -> None:
        super().startService()
        globalLogPublisher.addObserver(self)

    def stopService(self) -> None:
        super().stopService()
        globalLogPublisher.removeObserver(self)

    def __call__(self, event: LogEvent) -> None:
        level = event.get("log_level")
        if level not in (LogLevel.warn, LogLevel.error, LogLevel.critical):
            return
        name = event.get("event")
        ours = event.get("log_namespace") == NAMED and isinstance(name, str)
        if ours or level is not LogLevel.warn:
            self._count(str(name) if ours else UNFORESEEN)
