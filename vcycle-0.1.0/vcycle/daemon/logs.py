"""How ``vcycled`` writes its lines, and where: the journal, the standard output, or files."""

from __future__ import annotations

import enum
import os
import stat
import sys
from collections.abc import Mapping
from typing import IO, Any

from twisted.logger import (
    FilteringLogObserver,
    ILogFilterPredicate,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    LogPublisher,
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


class Where(enum.Enum):
    """
    Where lines go: to the journal, to files of our own, or to the standard output. Files are
    also shown on a standard output that somebody reads, unless they are wanted alone.
    """

    JOURNAL = "journal"
    FILES = "files"
    OUTPUT = "output"
    BOTH = "both"


def where(environment: Mapping[str, str], output: IO[str] | None) -> Where:
    """As VCYCLE_LOG says, else by what the standard output is."""
    wanted = environment.get("VCYCLE_LOG", "")
    if wanted in ("journal", "files", "output"):
        return Where(wanted)
    if _is_journal(environment, output):
        return Where.JOURNAL
    return Where.BOTH if _is_read(output) else Where.FILES


def _is_journal(environment: Mapping[str, str], output: IO[str] | None) -> bool:
    """
    Is the standard output the one that systemd connected to its journal? It names it by device
    and inode, as others inherit the variable.
    """
    status = _status(output)
    named = environment.get("JOURNAL_STREAM")
    return status is not None and named == f"{status.st_dev}:{status.st_ino}"


def _is_read(output: IO[str] | None) -> bool:
    """Is it anything else than the null device?"""
    status = _status(output)
    if status is None:
        return False
    return not (stat.S_ISCHR(status.st_mode) and status.st_rdev == os.stat(os.devnull).st_rdev)


def _status(output: IO[str] | None) -> os.stat_result | None:
    try:
        return None if output is None else os.fstat(output.fileno())
    except (OSError, ValueError):
        return None


def lines_of(event: LogEvent) -> list[str]:
    """
    The lines of an event, printable whatever is in it: of an operator's event there is only one;
    a traceback has several.
    """
    text = eventAsText(event, includeTimestamp=False, includeSystem=False)
    lines = [text] if "event" in event else text.splitlines()
    return ["".join(c if c.isprintable() else "?" for c in line) for line in lines]


def plain(event: LogEvent) -> str:
    """What stands before a line where nobody else tells the time: it, and the level."""
    level = event.get("log_level") or LogLevel.info
    return f"{formatTime(event.get('log_time'))} {level.name:8} "


def priority(event: LogEvent) -> str:
    """What stands before a line for the journal, which knows the time."""
    return f"<{PRIORITY.get(event.get('log_level') or LogLevel.info, 6)}>"


@implementer(ILogObserver)
class Lines:
    """
    Lines on a stream, safe to print whatever is in them.

    The journal knows the time and wants priorities; a person wants the time and the level.
    """

    def __init__(self, out: IO[str], journal: bool) -> None:
        self._out = out
        self._prefix = priority if journal else plain
        self._encoding = getattr(out, "encoding", None) or "utf-8"

    def __call__(self, event: LogEvent) -> None:
        prefix = self._prefix(event)
        try:
            for line in lines_of(event):
                self._out.write(f"{prefix}{self._known(line)}\n")
            self._out.flush()
        except (OSError, ValueError):
            # Nobody reads any more; that is no reason to end.
            return

    def _known(self, line: str) -> str:
        return line.encode(self._encoding, "replace").decode(self._encoding, "replace")


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
    out = sys.__stdout__
    found = where(os.environ, out)
    if out is None or found is Where.FILES:
        return LogPublisher()
    lines = Lines(out, journal=found is Where.JOURNAL)
    return filtered(lines, debug=is_debugging())


def is_debugging() -> bool:
    """Does somebody want to see what is for developers?"""
    return bool(os.environ.get("VCYCLE_DEBUG"))


def filtered(lines: ILogObserver, *, debug: bool) -> ILogObserver:
    """Without what is for developers, unless that is wanted."""
    if debug:
        return FilteringLogObserver(lines, [LogLevelFilterPredicate(LogLevel.debug)])
    return FilteringLogObserver(lines, [LogLevelFilterPredicate(LogLevel.info), NotTwisteds()])
