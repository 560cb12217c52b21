"""Where ``vcycled`` writes its lines: a terminal, the journal, or a pipe."""

from __future__ import annotations

import os
import sys
from typing import IO, Any

from twisted.logger import (
    FilteringLogObserver,
    ILogFilterPredicate,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    PredicateResult,
    eventAsText,
    formatTime,
)
from zope.interface import implementer

PRIORITY = {
    LogLevel.debug: 7,
    LogLevel.info: 6,
    LogLevel.warn: 4,
    LogLevel.error: 3,
    LogLevel.critical: 2,
}
"""Syslog priorities, as sd-daemon(3) wants them at the beginning of a line."""

OURS = "vcycle"


@implementer(ILogObserver)
class Lines:
    """
    One line for each event, safe to print whatever is in it.

    The journal knows the time and wants priorities; a person wants the time and the level.
    """

    def __init__(self, out: IO[str], journal: bool) -> None:
        self._out = out
        self._journal = journal
        self._encoding = getattr(out, "encoding", None) or "utf-8"

    def __call__(self, event: LogEvent) -> None:
        level = event.get("log_level") or LogLevel.info
        text = eventAsText(event, includeTimestamp=False, includeSystem=False)
        if self._journal:
            prefix = f"<{PRIORITY.get(level, 6)}>"
        else:
            prefix = f"{formatTime(event.get('log_time'))} {level.name:8} "
        try:
            for line in text.splitlines():
                self._out.write(prefix + self._printable(line) + "\n")
            self._out.flush()
        except (OSError, ValueError):
            # Nobody reads any more; that is no reason to end.
            return

    def _printable(self, line: str) -> str:
        clean = "".join(letter if letter.isprintable() else "?" for letter in line)
        return clean.encode(self._encoding, "replace").decode(self._encoding, "replace")


@implementer(ILogFilterPredicate)
class NotTwisteds:
    """Twisted tells of each port it opens; what matters of that has a line of its own."""

    def __call__(self, event: LogEvent) -> Any:
        namespace = str(event.get("log_namespace", ""))
        level = event.get("log_level") or LogLevel.info
        if not namespace.startswith(OURS) and level < LogLevel.warn:
            return PredicateResult.no
        return PredicateResult.maybe


def observer() -> ILogObserver:
    """For ``twistd --logger``: VCYCLE_DEBUG in the environment shows what is for developers."""
    lines = Lines(sys.__stdout__ or sys.stdout, journal="JOURNAL_STREAM" in os.environ)
    return filtered(lines, debug=bool(os.environ.get("VCYCLE_DEBUG")))


def filtered(lines: ILogObserver, *, debug: bool) -> ILogObserver:
    """Without what is for developers, unless that is wanted."""
    if debug:
        return FilteringLogObserver(lines, [LogLevelFilterPredicate(LogLevel.debug)])
    return FilteringLogObserver(lines, [LogLevelFilterPredicate(LogLevel.info), NotTwisteds()])
