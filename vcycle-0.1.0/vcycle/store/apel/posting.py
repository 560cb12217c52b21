"""
Job records written down once and for all.

A record goes through four places, and where it is says what is still to be done:

1. ``apel-pending``: its text is settled, whatever is learnt of its machine later;
2. ``apel-archive``: a copy, for ever;
3. ``apel-ledger``: a line, by which months are counted;
4. from ``apel-pending`` it is *moved* into ``apel-outgoing``, or removed if it is not to be sent.

So a record that is archived and not pending is done: nobody can tell any more whether it is queued
or was sent, and nobody needs to.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from attrs import frozen

from vcycle.core.accounting.jobs import Job, counts, job_text, read_job
from vcycle.core.accounting.ledger import entry_of, line
from vcycle.core.accounting.messages import MAX_MESSAGE
from vcycle.core.accounting.places import day, month, names
from vcycle.core.machine import Record
from vcycle.store.apel.place import ARCHIVE, OUTGOING, PENDING, Place
from vcycle.store.atomic import PUBLIC, Batch, sync_directory
from vcycle.store.layout import LEFTOVER, Unreadable, read_bounded

DAY_SECONDS = 86_400
_PENDING = re.compile(r"([0-9]{8})\.([0-9a-f]{14})\.([0-9a-f-]{36})\.(queue|keep)")


@frozen
class Pending:
    """One file of ``apel-pending``, as its name tells."""

    file: str
    day: str
    name: str
    uuid: str
    queue: bool


@frozen
class Settled:
    """A pending record with its text."""

    pending: Pending
    job: Job


def account(place: Place, records: Sequence[Record]) -> None:
    """
    Write the job record of each machine that is owed one, unless it was written before.

    :raises OSError: not all is done; what is pending is done with the next call.
    """
    due = {record.uuid: record for record in records if counts(record)}
    if not due and not any(pendings(place)):
        return
    with place.locked():
        settled = {one.job.uuid: one for one in _settled(place)}
        fresh = [record for uuid, record in due.items() if uuid not in settled]
        finish(place, [*settled.values(), *_settle(place, fresh)])


def pendings(place: Place) -> Iterator[Pending]:
    """What is pending, by name."""
    with suppress(FileNotFoundError):
        for file in sorted(os.listdir(place.path(PENDING))):
            parts = _PENDING.fullmatch(file)
            if parts is not None:
                where, name, uuid, how = parts.groups()
                yield Pending(file, where, name, uuid, how == "queue")


def finish(place: Place, settled: Iterable[Settled]) -> None:
    """Do what is left to be done for pending records; only while locked."""
    left, copied = list(settled), list[str]()
    if not left:
        return
    with Batch(step=place.step) as batch:
        for one in left:
            path = place.path(ARCHIVE, one.pending.day, one.pending.name)
            if not os.path.lexists(path):
                place.directory(ARCHIVE, one.pending.day)
                batch.add(path, one.job.text.encode("ascii"), PUBLIC)
                copied.append(path)
        batch.commit()
    for path in copied:
        place.give(path)
    months = sorted({month(one.job.end) for one in left})
    for each in months:
        lines = [
            line(entry_of(one.job, one.pending.name, one.pending.queue))
            for one in left
            if month(one.job.end) == each
        ]
        place.append(each, lines)
    for one in left:
        path = place.path(PENDING, one.pending.file)
        if one.pending.queue:
            place.move(path, OUTGOING, one.pending.day, one.pending.name)
        else:
            place.step("remove", path)
            os.unlink(path)
    for each in sorted({one.pending.day for one in left if one.pending.queue}):
        # Its reader may have sent all of the day, and removed it.
        with suppress(FileNotFoundError):
            sync_directory(place.path(OUTGOING, each))
    sync_directory(place.path(PENDING))


def _settled(place: Place) -> Iterator[Settled]:
    """What a former call left pending; a text that is damaged is settled anew."""
    for pending in pendings(place):
        path = place.path(PENDING, pending.file)
        job = read_file(path)
        _tidy(place, ARCHIVE, pending.day)
        if job is None or job.uuid != pending.uuid or day(job.end) != pending.day:
            job = read_file(place.path(ARCHIVE, pending.day, pending.name))
            if job is None or job.uuid != pending.uuid:
                place.step("remove", path)
                os.unlink(path)
                continue
            with Batch(step=place.step) as batch:
                batch.add(path, job.text.encode("ascii"), PUBLIC)
                batch.commit()
        yield Settled(pending, job)
    _tidy(place, PENDING)


def _tidy(place: Place, *where: str) -> None:
    """Remove what a killed daemon had half written; only while locked."""
    directory = place.path(*where)
    with suppress(FileNotFoundError):
        for file in os.listdir(directory):
            if file.startswith(LEFTOVER):
                place.step("remove", os.path.join(directory, file))
                os.unlink(os.path.join(directory, file))


def _settle(place: Place, records: Sequence[Record]) -> list[Settled]:
    """The records of machines that are not archived yet, now pending."""
    settled: list[Settled] = []
    taken: set[tuple[str, str]] = set()
    days = place.days(ARCHIVE)
    with Batch(step=place.step) as batch:
        for record in records:
            if archived(place, record, days):
                continue
            job = read_job(job_text(record))
            where = day(job.end)
            name = _free(place, where, record.uuid, taken)
            taken.add((where, name))
            how = "queue" if record.gocdb else "keep"
            pending = Pending(
                f"{where}.{name}.{record.uuid}.{how}", where, name, record.uuid, record.gocdb
            )
            batch.add(place.path(PENDING, pending.file), job.text.encode("ascii"), PUBLIC)
            settled.append(Settled(pending, job))
        batch.commit()
    for one in settled:
        place.give(place.path(PENDING, one.pending.file))
    return settled


def archived(place: Place, record: Record, days: Sequence[str]) -> bool:
    """
    Is the record of this machine in one of these days of the archive? It may have been given
    another end than it has now.

    Nothing ends before it is asked for, by whichever clock; a day is for the clock's steps.
    """
    earliest = day(min(float(record.born), record.requested_at) - DAY_SECONDS)
    return any(where >= earliest and _find(place, where, record.uuid) for where in days)


def _find(place: Place, where: str, uuid: str) -> bool:
    for name in names(uuid):
        path = place.path(ARCHIVE, where, name)
        if not os.path.lexists(path):
            return False
        job = read_file(path)
        # What is damaged there was most likely this machine's: never tell of it twice.
        if job is None or job.uuid == uuid:
            return True
    return False


def _free(place: Place, where: str, uuid: str, taken: set[tuple[str, str]]) -> str:
    for name in names(uuid):
        if (where, name) not in taken and not os.path.lexists(place.path(ARCHIVE, where, name)):
            return name
    raise OSError(f"no name is free for {uuid} in {place.path(ARCHIVE, where)}")


def read_file(path: str) -> Job | None:
    """
    The job record in a file; None if it holds none, or there is no file.

    :raises OSError: it cannot be read now.
    """
    try:
        return read_job(read_bounded(path, MAX_MESSAGE + 1).decode("ascii"))
    except (FileNotFoundError, Unreadable, ValueError):
        return None
