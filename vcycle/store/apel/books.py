"""All of a month as it is on disk, read while the daemon goes on writing."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from vcycle.core.accounting.verify import Books, unaccounted
from vcycle.store.apel.place import ARCHIVE, OUTGOING, Place
from vcycle.store.apel.posting import archived, pendings
from vcycle.store.apel.reading import element, found, ledger, machines


def books(place: Place, month: str, sites: Mapping[str, str | None], now: float) -> Books:
    """
    What is known of a month, of one mind though records are written meanwhile.

    :raises OSError: not all of it may be looked at.
    """
    # Machines first: what ends meanwhile has its records before its record says so.
    over, unreadable = machines(place, month)
    outgoing = tuple(found(place, OUTGOING))
    files = list(found(place, ARCHIVE, month))
    # What is archived and has no line yet is pending until it has.
    posted = {one.uuid for one in pendings(place)}
    entries, unread = ledger(place, month)
    # What has a line is archived, though perhaps only since the archive was read.
    listed = {(one.day, one.name) for one in files}
    for day, name in sorted({(entry.day, entry.name) for entry in entries} - listed):
        files += element(place, ARCHIVE, day, name)
    posted -= {entry.uuid for entry in entries}
    read = Books(
        month=month,
        entries=entries,
        unread=unread,
        archived=tuple(one for one in files if one.job is None or one.job.uuid not in posted),
        outgoing=outgoing,
        machines=over,
        unreadable=unreadable,
        sites=sites,
        now=now,
    )
    # One that was told of with an end in another month is told of.
    days = place.days(ARCHIVE)
    missing = (one for one in unaccounted(read) if not archived(place, one, days))
    return evolve(read, machines=tuple(missing))
