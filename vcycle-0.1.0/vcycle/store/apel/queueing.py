"""What commands put into the queue: sync records, and job records once more."""

from __future__ import annotations

import os
from collections.abc import Sequence

from vcycle.core.accounting.jobs import Job
from vcycle.core.accounting.ledger import entry_of, line
from vcycle.core.accounting.places import day, moments, month, names
from vcycle.store.apel.place import OUTGOING, PENDING, Place
from vcycle.store.atomic import PUBLIC, temporary

AT_ONCE = 100
"""Job records that are queued between two additions to the ledger."""


def queue(place: Place, text: str, now: float) -> None:
    """
    Queue a message of no machine's, under a name of its own in the day of ``now``.

    A former one stays: its reader may be sending it. Of sync records APEL keeps the last.

    :raises OSError: it is not queued.
    """
    with place.locked():
        source = _written(place, text)
        try:
            place.link(source, OUTGOING, day(now), moments(now))
        finally:
            os.unlink(source)


def reissue(place: Place, jobs: Sequence[Job], now: float) -> None:
    """
    Queue job records once more, as they are given, in the day of ``now``.

    One that was queued and not noted in the ledger is queued again by the next call, which APEL
    takes for the same.

    :raises OSError: not all are queued; those that are, are in the ledger.
    """
    free = moments(now)
    with place.locked():
        for start in range(0, len(jobs), AT_ONCE):
            some = jobs[start : start + AT_ONCE]
            for job in some:
                source = _written(place, job.text)
                try:
                    place.link(source, OUTGOING, day(now), free)
                finally:
                    os.unlink(source)
            for each in sorted({month(job.end) for job in some}):
                entries = [entry_of(job, next(names(job.uuid)), True) for job in some]
                place.append(each, [line(one) for one in entries if month(one.end) == each])


def _written(place: Place, text: str) -> str:
    """A durable file beside the queue, on its filesystem."""
    path = place.path(PENDING, temporary("queue"))
    place.step("write", path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, PUBLIC), "wb") as file:
        file.write(text.encode("ascii"))
        file.flush()
        os.fchmod(file.fileno(), PUBLIC)
        os.fsync(file.fileno())
    place.give(path)
    return path
