"""The directories of machines that have ended: kept for a while, then removed."""

from __future__ import annotations

import math
import os
import shutil
from contextlib import suppress

from attrs import define

from vcycle.core.machine import Record
from vcycle.store.atomic import Step
from vcycle.store.layout import FINISHED, LEFTOVER, Unreadable, read_record

DAY = 86400
READ_AT_ONCE = 1000
"""Records of former runs that one call reads: the rest is left to the next calls."""


@define(eq=False)
class Held:
    """
    One machine's directory: whose it is, and when it may go (Unix seconds).

    ``expires_at`` is None while its machine lives.
    """

    uuid: str
    expires_at: float | None = None

    def note(self, record: Record) -> None:
        """Learn from the record when the directory may go."""
        if record.ended_at is None:
            self.expires_at = None
        else:
            kept = record.keep_days * DAY
            self.expires_at = record.ended_at + kept if kept > 0 else math.inf


def prune(machines: str, held: dict[str, Held], now: float, step: Step) -> tuple[str, ...]:
    """
    Remove what has expired; gives the names of the directories.

    :raises OSError: nothing could be removed.
    """
    gone: list[str] = []
    problem: OSError | None = None
    to_read = READ_AT_ONCE
    for name in sorted(os.listdir(machines)):
        if name.startswith(LEFTOVER):
            continue
        directory = os.path.join(machines, name)
        if name not in held and to_read and os.path.lexists(os.path.join(directory, FINISHED)):
            to_read -= 1
            held[name] = _read(directory)
        found = held.get(name)
        if found is None or found.expires_at is None or found.expires_at > now:
            continue
        try:
            _remove(machines, name, step)
        except OSError as error:
            problem = error
        else:
            gone.append(name)
            del held[name]
    if problem is not None and not gone:
        raise problem
    return tuple(gone)


def _read(directory: str) -> Held:
    held = Held("", expires_at=math.inf)
    # What is damaged is left for somebody to look at.
    with suppress(OSError, Unreadable):
        record = read_record(directory)
        held.uuid = record.uuid
        held.note(record)
    return held


def _remove(machines: str, name: str, step: Step) -> None:
    # Renamed first: half a directory must not look like a damaged machine.
    removed = os.path.join(machines, LEFTOVER + name)
    step("rename", os.path.join(machines, name))
    os.rename(os.path.join(machines, name), removed)
    step("remove", removed)
    # The rest is removed when the store is opened next.
    shutil.rmtree(removed, ignore_errors=True)
