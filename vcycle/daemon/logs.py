"""Where ``vcycled`` writes its lines: a terminal, the journal, or a pipe."""

from __future__ import annotations

import os
import sys
from typing import IO

from twisted.logger import (
    FilteringLogObserver,
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

    def __call__(self, event: LogEvent) -> None:
        level = event.get("log_level", LogLevel.info)
        text = eventAsText(event, includeTimestamp=False, includeSystem=False)
        if self._journal:
            prefix = f"<{PRIORITY.get(level, 6)}>"
        else:
            prefix = f"{formatTime(event.get('log_time'))} {level.name:8} "
        try:
            for line in text.splitlines():
                self._out.write(
                    prefix + "".join(c if c.isprintable() else "?" for c in line) + "\n"
                )
            self._out.flush()
        except (OSError, ValueError):
            # Nobody reads any more; that is no reason to end.
            return


def observer() -> ILogObserver:
    """For ``twistd --logger``: VCYCLE_DEBUG in the environment shows what is for developers."""
    predicate = LogLevelFilterPredicate(
        defaultLogLevel=LogLevel.debug if os.environ.get("VCYCLE_DEBUG") else LogLevel.info
    )
    lines = Lines(sys.__stdout__ or sys.stdout, journal="JOURNAL_STREAM" in os.environ)

    def twisteds_own(event: LogEvent) -> PredicateResult:
        """Twisted tells of each port it opens; what matters of that has a line of its own."""
        namespace = str(event.get("log_namespace", ""))
        level = event.get("log_level", LogLevel.info)
        if not namespace.startswith(OURS) and level is not None and level < LogLevel.warn:
            return PredicateResult.no
        return PredicateResult.maybe

    predicates = [predicate]
    if not os.environ.get("VCYCLE_DEBUG"):
        predicates.append(twisteds_own)  # type: ignore[arg-type]
    return FilteringLogObserver(lines, predicates)
