"""What disagrees among machines, ledger, archive and queue, and what cures it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from vcycle.core.accounting.jobs import Job, counts
from vcycle.core.accounting.ledger import Entry
from vcycle.core.accounting.places import day as day_of
from vcycle.core.accounting.places import names
from vcycle.core.accounting.waiting import since
from vcycle.core.machine import Record

LONG_WAIT = 86_400.0
"""Seconds after which a record that still waits is a sign that nobody sends any."""


@frozen(kw_only=True)
class Found:
    """
    A file of archive or queue: a job record, a sync record, or neither.

    ``unnamed`` is one whose name readers of the queue pass over.
    """

    day: str
    name: str
    job: Job | None = None
    sync: bool = False
    unnamed: bool = False

    @property
    def place(self) -> str:
        return f"{self.day}/{self.name}"


@frozen(kw_only=True)
class Finding:
    """One kind of disagreement, what is to be done, and each case of it."""

    problem: str
    cure: str
    cases: tuple[str, ...]


@frozen(kw_only=True)
class Books:
    """
    All that is known of one ``month`` (``YYYYMM``).

    ``sites`` are the sites' names of GOCDB that are configured, by submit host; one that is not
    configured any more is not in it.
    """

    month: str
    entries: Sequence[Entry]
    unread: int
    archived: Sequence[Found]
    outgoing: Sequence[Found]
    machines: Sequence[Record]
    sites: Mapping[str, str | None]
    now: float

    @property
    def repair(self) -> str:
        """The command that repairs what can be."""
        return f"vcycle accounting verify {self.month} --repair"


def verify(books: Books) -> tuple[Finding, ...]:
    """All that disagrees; nothing if the month is in order."""
    findings = (
        *_machines(books),
        *_ledger(books),
        *_archive(books),
        *_sites(books),
        *_outgoing(books),
    )
    return tuple(finding for finding in findings if finding.cases)


def unaccounted(books: Books) -> list[Record]:
    """Machines that are owed a record and have none."""
    known = {entry.uuid for entry in books.entries}
    known |= {one.job.uuid for one in books.archived if one.job is not None}
    return [one for one in books.machines if counts(one) and one.uuid not in known]


def to_reissue(books: Books, site: str) -> list[Job]:
    """
    The archived records that were never queued under a site's name, each machine's once; not
    those of spaces that are of another site.
    """
    queued = {entry.uuid for entry in books.entries if entry.queued and entry.site == site}
    jobs = {one.job.uuid: one.job for one in reversed(books.archived) if one.job is not None}
    wanted = [
        job
        for job in jobs.values()
        if job.uuid not in queued and books.sites.get(job.submit_host, site) == site
    ]
    return sorted(wanted, key=lambda job: (job.end, job.uuid))


def _machines(books: Books) -> Iterable[Finding]:
    yield Finding(
        problem="machines that ended and have no job record",
        cure=f"{books.repair} writes them",
        cases=tuple(f"{one.name} ({one.uuid})" for one in unaccounted(books)),
    )


def _ledger(books: Books) -> Iterable[Finding]:
    archived = {(one.day, one.name): one for one in books.archived}
    lost, other = [], []
    for entry in {entry.uuid: entry for entry in reversed(books.entries)}.values():
        one = archived.get((entry.day, entry.name))
        if one is None:
            lost.append(f"{entry.day}/{entry.name} ({entry.uuid})")
        elif one.job is not None and (one.job.uuid, one.job.end) != (entry.uuid, entry.end):
            other.append(f"{one.place}: {one.job.uuid}, not {entry.uuid}")
    yield Finding(
        problem="job records in apel-ledger that are not in apel-archive",
        cure="put them back from a backup; APEL has them unless they still wait",
        cases=tuple(sorted(lost)),
    )
    yield Finding(
        problem="job records in apel-archive that are not the ones of apel-ledger",
        cure="put the files back from a backup: they were changed after they were written",
        cases=tuple(sorted(other)),
    )
    yield Finding(
        problem="lines of apel-ledger that cannot be read",
        cure="one of them is what a power cut leaves; more mean that the file was changed",
        cases=() if books.unread <= 1 else (f"{books.unread} lines",),
    )


def _archive(books: Books) -> Iterable[Finding]:
    known = {entry.uuid for entry in books.entries}
    by_uuid: dict[str, list[Found]] = {}
    for one in books.archived:
        if one.job is not None:
            by_uuid.setdefault(one.job.uuid, []).append(one)
    yield Finding(
        problem="files in apel-archive that hold no job record",
        cure="look at them, and take them away or put them back from a backup",
        cases=tuple(one.place for one in books.archived if one.job is None),
    )
    yield Finding(
        problem="job records in apel-archive that are not in apel-ledger, so never counted",
        cure="take away what was copied there by hand; what is there rightly is queued and"
        f" counted by {books.repair} --site NAME",
        cases=tuple(
            f"{found[0].place} ({uuid})" for uuid, found in by_uuid.items() if uuid not in known
        ),
    )
    yield Finding(
        problem="machines with several job records in apel-archive, which APEL counts twice",
        cure="keep the one that is in apel-ledger, and take the others away",
        cases=tuple(
            f"{uuid}: {', '.join(one.place for one in found)}"
            for uuid, found in by_uuid.items()
            if len(found) > 1
        ),
    )
    yield Finding(
        problem="job records in apel-archive under the wrong day or name",
        cure="they were moved by hand: put them back",
        cases=tuple(
            f"{one.place} ({one.job.uuid})"
            for one in books.archived
            if one.job is not None
            and (day_of(one.job.end) != one.day or one.name not in names(one.job.uuid))
        ),
    )


def _sites(books: Books) -> Iterable[Finding]:
    queued: dict[str, set[str]] = {}
    for entry in books.entries:
        queued.setdefault(entry.uuid, set()).update({entry.site} if entry.queued else ())
    hosts = {entry.uuid: entry.submit_host for entry in books.entries}
    for host, site in sorted(books.sites.items()):
        if site is None:
            continue
        own = sorted(uuid for uuid, where in hosts.items() if where == host)
        cure = f"{books.repair} --site {site} sends them under that name"
        yield Finding(
            problem=f"job records of {host} that were sent under other names than {site}",
            cure=cure,
            cases=tuple(
                f"{uuid}: {', '.join(sorted(queued[uuid]))}"
                for uuid in own
                if queued[uuid] and site not in queued[uuid]
            ),
        )
        yield Finding(
            problem=f"job records of {host} that were not sent, as gocdb_sitename was not set",
            cure=cure,
            cases=tuple(uuid for uuid in own if not queued[uuid]),
        )


def _outgoing(books: Books) -> Iterable[Finding]:
    late, strange, other = [], [], []
    for one in books.outgoing:
        if one.unnamed or (one.job is None and not one.sync):
            strange.append(one.place)
            continue
        if one.job is not None and _is_others(one.job, books.sites):
            other.append(f"{one.place}: {one.job.site}")
        seconds = books.now - since(one.day, None if one.job is None else one.job.end)
        if seconds > LONG_WAIT:
            late.append(f"{one.place}, for {seconds / 3600:.0f} hours")
    yield Finding(
        problem="files in apel-outgoing that are never sent, or that APEL refuses",
        cure="look at them, and take them away",
        cases=tuple(strange),
    )
    yield Finding(
        problem="records that wait in apel-outgoing under another name than gocdb_sitename",
        cure="take them away before ssmsend sends them",
        cases=tuple(other),
    )
    yield Finding(
        problem="records that wait in apel-outgoing for over a day",
        cure="see why ssmsend does not send them: /var/log/vcycle-ssmsend-cron.log",
        cases=tuple(late),
    )


def _is_others(job: Job, sites: Mapping[str, str | None]) -> bool:
    site = sites.get(job.submit_host)
    return site is not None and site != job.site
