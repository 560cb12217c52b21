"""Reading the spool of accounting: all of a month, or only what waits."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

from vcycle.core.accounting.ledger import Entry, read_line
from vcycle.core.accounting.messages import MAX_MESSAGE, Message, read
from vcycle.core.accounting.places import month
from vcycle.core.accounting.verify import Found
from vcycle.core.accounting.waiting import Waiting, since
from vcycle.core.machine import Record
from vcycle.store.apel.place import LEDGER, OUTGOING, Place
from vcycle.store.apel.posting import pendings, read_file
from vcycle.store.layout import FINISHED, MACHINES, Unreadable, read_bounded, read_record

MOST_WAITING = 100_000
LOOKED_AT = 500
"""Records of the oldest day of which one call finds the oldest."""


def waiting(place: Place) -> Waiting:
    """How much waits to be sent; what is pending waits as well. Bounded in what it reads."""
    days = [(day, place.elements(OUTGOING, day)[0]) for day in place.days(OUTGOING)]
    pending = [one for one in pendings(place) if one.queue]
    count = min(sum(len(names) for _, names in days) + len(pending), MOST_WAITING)
    waits = [since(one.day, None) for one in pending]
    for day, names in days:
        ends = []
        for name in names[:LOOKED_AT]:
            job = read_file(place.path(OUTGOING, day, name))
            ends.append(since(day, None if job is None else job.end))
        if ends:
            waits.append(min(ends))
            break
    return Waiting(count=count, oldest=min(waits, default=None))


def ledger(place: Place, month: str) -> tuple[Sequence[Entry], int]:
    """The entries of a month, and how many lines of it cannot be read."""
    entries: list[Entry] = []
    damaged = 0
    with suppress(FileNotFoundError), open(place.path(LEDGER, month), "rb") as file:
        for text in file:
            entry = read_line(text.decode("ascii", "replace").rstrip("\n"))
            if entry is not None:
                entries.append(entry)
            elif text.strip():
                damaged += 1
    return entries, damaged


def found(place: Place, top: str, month: str | None = None) -> Iterator[Found]:
    """The files of archive or queue; of the archive, those of the days of one month."""
    for day in place.days(top):
        if month is not None and not day.startswith(month):
            continue
        good, strange = place.elements(top, day)
        for name in good:
            job = read_file(place.path(top, day, name))
            sync = job is None and _message(place.path(top, day, name)) is not None
            if job is not None or sync or os.path.lexists(place.path(top, day, name)):
                yield Found(day=day, name=name, job=job, sync=sync)
        for name in strange:
            yield Found(day=day, name=name, unnamed=True)


def machines(place: Place, wanted: str) -> Iterator[Record]:
    """
    The machines that ended in a month and whose directories are still there.

    :raises OSError: not all of them may be looked at.
    """
    spaces = place.path("spaces")
    for space in _listed(spaces):
        directory = os.path.join(spaces, space, MACHINES)
        for name in _listed(directory):
            machine = os.path.join(directory, name)
            if not os.path.lexists(os.path.join(machine, FINISHED)):
                continue
            with suppress(FileNotFoundError, NotADirectoryError, Unreadable):
                record = read_record(machine)
                if record.ended_at is not None and month(record.ended_at) == wanted:
                    yield record


def _message(path: str) -> Message | None:
    try:
        return read(read_bounded(path, MAX_MESSAGE + 1).decode("ascii"))
    except (FileNotFoundError, Unreadable, ValueError):
        return None


def _listed(directory: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(directory) if not name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
