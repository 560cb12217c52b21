"""The ledger: one line for each job record, by the month of its end; and what follows from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from attrs import frozen

from vcycle.core.accounting.jobs import Job
from vcycle.core.accounting.messages import SYNC, SYNC_VERSION, write
from vcycle.core.accounting.places import DAY, ELEMENT, day, year_and_month

QUEUED, KEPT = "queued", "kept"
WHOLE = "."
"""Ends a line: without it nobody could tell that a power cut left only a part of it."""

_UUID = re.compile(r"[0-9a-f-]{36}")


@frozen(kw_only=True)
class Entry:
    """
    One record that was written down, and under which site's name.

    ``end`` is in Unix seconds, ``name`` is that of its file, ``queued`` whether it was put into
    the queue of what is sent.
    """

    uuid: str
    end: int
    name: str
    queued: bool
    site: str
    submit_host: str

    @property
    def day(self) -> str:
        """The directory of its archived record."""
        return day(self.end)


def entry_of(job: Job, name: str, queued: bool) -> Entry:
    """The line that a record is owed."""
    return Entry(
        uuid=job.uuid,
        end=job.end,
        name=name,
        queued=queued,
        site=job.site,
        submit_host=job.submit_host,
    )


def line(entry: Entry) -> str:
    """One line, with its end; values of records hold no tabs."""
    how = QUEUED if entry.queued else KEPT
    place = f"{entry.day}/{entry.name}"
    parts = (entry.uuid, str(entry.end), place, how, entry.site, entry.submit_host, WHOLE)
    return "\t".join(parts) + "\n"


def read_line(text: str) -> Entry | None:
    """The entry of a line; None of one that was not written whole, or by somebody else."""
    parts = text.split("\t")
    if len(parts) != 7 or parts[6] != WHOLE or not _UUID.fullmatch(parts[0]):
        return None
    uuid, end, place, how, site, host, _ = parts
    where, _, name = place.partition("/")
    if not end.isdecimal() or not end.isascii() or len(end) > 12 or how not in (QUEUED, KEPT):
        return None
    if not DAY.fullmatch(where) or not ELEMENT.fullmatch(name):
        return None
    entry = Entry(
        uuid=uuid, end=int(end), name=name, queued=how == QUEUED, site=site, submit_host=host
    )
    return entry if entry.day == where else None


def tally(entries: Iterable[Entry]) -> Mapping[tuple[str, str], int]:
    """
    How many records were queued, by site and submit host.

    A record counts once however often it was queued: APEL knows it by its site, uuid and end.
    """
    queued = {(e.site, e.submit_host, e.uuid, e.end) for e in entries if e.queued}
    numbers: dict[tuple[str, str], int] = {}
    for site, host, _, _ in sorted(queued):
        numbers[site, host] = numbers.get((site, host), 0) + 1
    return numbers


def sync_text(site: str, submit_host: str, month: str, number: int) -> str:
    """The sync record: how many job records APEL should have of a month (``YYYYMM``)."""
    year, month_of_year = year_and_month(month)
    fields = (
        ("Site", site),
        ("SubmitHost", submit_host),
        ("NumberOfJobs", number),
        ("Month", month_of_year),
        ("Year", year),
    )
    return write(SYNC, SYNC_VERSION, fields)
