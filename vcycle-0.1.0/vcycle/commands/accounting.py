"""``vcycle accounting verify``: whether all that is owed to accounting was told, and its repair."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vcycle.commands.accounts import Desk
    from vcycle.commands.main import Subcommands
    from vcycle.core.accounting.verify import Books, Finding

SHOWN = 10
"""Cases of one finding that are printed, unless all are asked for."""


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "accounting",
        help="verify and repair APEL accounting",
        description="Look after the accounting records below the state directory.",
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    verify = verbs.add_parser(
        "verify",
        help="compare machines, ledger, archive and queue",
        description="Compare the machines that ended in a month (UTC) with apel-ledger,"
        " apel-archive and apel-outgoing, and print what disagrees and what cures it. Without a"
        " month, the one in which the time 24 hours ago lies. Exit status: 0 if all is in order, 1"
        " if not, 2 if it could not be looked at.",
    )
    verify.add_argument("month", nargs="?", metavar="YYYYMM", help="the month to look at")
    verify.add_argument("--config", metavar="FILE", help="read only this configuration file")
    verify.add_argument("--all", action="store_true", help=f"print all cases, not only {SHOWN}")
    verify.add_argument(
        "--repair", action="store_true", help="write the records of machines that have none"
    )
    verify.add_argument(
        "--site",
        metavar="NAME",
        help="with --repair: queue all archived records of the month that were not sent under this"
        " gocdb_sitename",
    )
    verify.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from vcycle.commands.accounts import CANNOT, CannotAccount, complain, desk_of, refused
    from vcycle.core.accounting.places import latest_month, month_named
    from vcycle.daemon.instants import wall

    now = wall()
    command = "accounting verify"
    try:
        if arguments.site is not None and not arguments.repair:
            raise ValueError("--site is for --repair: give both")
        month = latest_month(now) if arguments.month is None else month_named(arguments.month)
        desk = desk_of(arguments)
    except (CannotAccount, ValueError) as error:
        complain(command, error)
        return CANNOT
    try:
        books = _books(desk, month, now)
        if arguments.repair:
            _repair(desk, books, arguments.site, now)
            books = _books(desk, month, now)
    except ValueError as error:
        complain(command, error)
        return CANNOT
    except OSError as error:
        complain(command, refused(error, desk.place))
        return CANNOT
    return _tell(books, month, None if arguments.all else SHOWN)


def _books(desk: Desk, month: str, now: float) -> Books:
    from attrs import evolve

    from vcycle.core.accounting.verify import Books, unaccounted
    from vcycle.store.apel.place import ARCHIVE, OUTGOING
    from vcycle.store.apel.posting import archived
    from vcycle.store.apel.reading import found, ledger, machines

    # Machines first: what ends meanwhile has its records before its directory says so.
    over = tuple(machines(desk.place, month))
    outgoing = tuple(found(desk.place, OUTGOING))
    files = tuple(found(desk.place, ARCHIVE, month))
    entries, unread = ledger(desk.place, month)
    books = Books(
        month=month,
        entries=entries,
        unread=unread,
        archived=files,
        outgoing=outgoing,
        machines=over,
        sites=desk.sites,
        now=now,
    )
    # One that was told of with an end in another month is told of.
    days = desk.place.days(ARCHIVE)
    missing = (one for one in unaccounted(books) if not archived(desk.place, one, days))
    return evolve(books, machines=tuple(missing))


def _repair(desk: Desk, books: Books, site: str | None, now: float) -> None:
    from vcycle.core.accounting.jobs import resited
    from vcycle.core.accounting.verify import to_reissue, unaccounted
    from vcycle.store.apel.posting import account
    from vcycle.store.apel.queueing import reissue

    if site is not None and site not in desk.sites.values():
        names = ", ".join(sorted(filter(None, desk.sites.values()))) or "none"
        raise ValueError(f"--site {site}: no gocdb_sitename is that, there is: {names}; correct it")
    missing = unaccounted(books)
    jobs = [] if site is None else [resited(job, site) for job in to_reissue(books, site)]
    account(desk.place, missing)
    print(f"job records that were missing, written: {len(missing)}")
    if site is not None:
        reissue(desk.place, jobs, now)
        print(
            f"job records queued as of {site}: {len(jobs)}; now run vcycle apel-sync {books.month}"
        )


def _tell(books: Books, month: str, most: int | None) -> int:
    from vcycle.core.accounting.verify import verify

    findings = verify(books)
    for finding in findings:
        print("\n".join(_lines(finding, most)))
    records = len({entry.uuid for entry in books.entries})
    sent = len({entry.uuid for entry in books.entries if entry.queued})
    waits = sum(not one.unnamed for one in books.outgoing)
    summary = (
        f"{month}: job records: {records}, queued of them: {sent}, messages that wait: {waits}"
    )
    print(f"{summary}; {'in order' if not findings else 'see above'}")
    return 1 if findings else 0


def _lines(finding: Finding, most: int | None) -> Iterable[str]:
    from vcycle.core.table import clean

    yield f"{finding.problem}: {len(finding.cases)}"
    for case in finding.cases[:most]:
        yield f"    {clean(case)}"
    if most is not None and len(finding.cases) > most:
        yield f"    and {len(finding.cases) - most} more (--all prints them)"
    yield f"  cure: {finding.cure}"
