"""What a daemon said while a test listened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from twisted.logger import LogEvent, capturedLogs, formatEvent


def lines(events: Iterable[LogEvent]) -> list[str]:
    """The operator's lines, each with its level; other rooms' lines are left out."""
    return [f"{e['log_level'].name}: {formatEvent(e)}" for e in events if "event" in e]


@contextmanager
def listening() -> Iterator[list[str]]:
    """A list that holds the operator's lines of a ``with`` block once that is over."""
    said: list[str] = []
    with capturedLogs() as events:
        yield said
    said += lines(events)
