"""Reading the spool of accounting: all of a month, or only what waits."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

from vcycle.core.accounting.ledger import Entry, read_line
from vcycle.core.accounting.messages import MAX_MESSAGE, Message, read
from vcycle.core.accounting.places import DAY_SECONDS, month
from vcycle.core.accounting.verify import Found
from vcycle.core.accounting.waiting import Waiting, since
from vcycle.core.machine import Record
from vcycle.store.apel.place import LEDGER, OUTGOING, Place
from vcycle.store.apel.posting import pendings, read_file
from vcycle.store.layout import (
    DAMAGED,
    FINISHED,
    MACHINES,
    RECORD,
    Unreadable,
    read_bounded,
    read_record,
)

MOST_WAITING = 100_000
LOOKED_AT = 500
"""Records of the oldest day of which one call finds the oldest."""

_BORN = re.compile(r"[0-9]{1,11}")


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
            yield from element(place, top, day, name)
        for name in strange:
            yield Found(day=day, name=name, unnamed=True)


def element(place: Place, top: str, day: str, name: str) -> Iterator[Found]:
    """One file of archive or queue, if it is there."""
    path = place.path(top, day, name)
    job = read_file(path)
    sync = job is None and _message(path) is not None
    if job is not None or sync or os.path.lexists(path):
        yield Found(day=day, name=name, job=job, sync=sync)


def machines(place: Place, wanted: str) -> tuple[Sequence[Record], Sequence[str]]:
    """
    The machines that ended in a month and whose directories are still there, and of which
    directories nobody can tell, as their records cannot be read.

    :raises OSError: not all of them may be looked at.
    """
    over: list[Record] = []
    unreadable: list[str] = []
    spaces = place.path("spaces")
    for space in _listed(spaces):
        known = set[str]()
        for top in (MACHINES, DAMAGED):
            for name in _listed(os.path.join(spaces, space, top)):
                directory = os.path.join(spaces, space, top, name)
                record, why = _read(directory)
                if record is not None:
                    known.add(name)
                    if record.ended_at is not None and month(record.ended_at) == wanted:
                        over.append(record)
                elif why and _earliest(name) <= wanted and not known & _undamaged(name):
                    unreadable.append(f"{directory}: {why}")
    return over, unreadable


def _read(directory: str) -> tuple[Record | None, str]:
    """The record in a machine's directory, or why there is none where one has to be."""
    try:
        return read_record(directory), ""
    except NotADirectoryError:
        return None, ""
    except Unreadable as error:
        return None, str(error).removeprefix(f"{directory}/")
    except FileNotFoundError:
        pass
    # One without it is being made, unless it is over; one that is gone was removed in time.
    aside = os.path.basename(os.path.dirname(directory)) == DAMAGED
    over = aside or os.path.lexists(os.path.join(directory, FINISHED))
    return None, f"no {RECORD}" if over and os.path.isdir(directory) else ""


def _earliest(name: str) -> str:
    """The first month in which a machine can have ended whose directory is called so."""
    born = name.partition("_")[0]
    return month(float(born) - DAY_SECONDS) if _BORN.fullmatch(born) else ""


def _undamaged(name: str) -> set[str]:
    """What a directory that was set aside was called, with a number added to it or not."""
    return {name, name.rpartition(".")[0]}


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
