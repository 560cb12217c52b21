"""``vcycle apel-sync``: tell APEL how many job records it should have of a month."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vcycle.commands.accounts import Desk
    from vcycle.commands.main import Subcommands


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "apel-sync",
        help="queue APEL sync records",
        description="Queue a sync record for each month: how many job records were queued of"
        " machines that ended in it (UTC). Without a month, the one in which the time 24 hours ago"
        " lies, so that run daily it tells of each month once more after its end. Of a month"
        " without job records nothing is said. Exit status: 0 if all was queued, 1 if job records"
        " were left out, or not all could be written, 2 if nothing could be done.",
    )
    parser.add_argument("months", nargs="*", metavar="YYYYMM", help="months to tell of")
    parser.add_argument("--config", metavar="FILE", help="read only this configuration file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from vcycle.commands.accounts import CANNOT, CannotAccount, complain, desk_of, refused
    from vcycle.core.accounting.places import latest_month, month_named
    from vcycle.daemon.instants import wall

    now = wall()
    try:
        months = [month_named(text) for text in dict.fromkeys(arguments.months)]
        desk = desk_of(arguments)
    except (CannotAccount, ValueError) as error:
        complain("apel-sync", error)
        return CANNOT
    try:
        return _sync(desk, months or [latest_month(now)], now)
    except OSError as error:
        complain("apel-sync", refused(error, desk.place))
        return CANNOT


def _sync(desk: Desk, months: Sequence[str], now: float) -> int:
    from vcycle.commands.accounts import complain
    from vcycle.core.accounting.ledger import sync_text, tally
    from vcycle.store.apel.queueing import queue
    from vcycle.store.apel.reading import ledger

    sites = {site for site in desk.sites.values() if site is not None}
    if not sites:
        print("gocdb_sitename is not set: no job records are sent, and so no sync records")
        return 0
    status = 0
    for month in months:
        entries, unread = ledger(desk.place, month)
        if unread > 1:
            complain("apel-sync", f"{month}: {unread} lines of the ledger are damaged, not counted")
            status = 1
        own = tally(entry for entry in entries if entry.site in sites)
        for (site, host), number in own.items():
            queue(desk.place, sync_text(site, host, month, number), now)
            print(f"{month}: job records of {host} at {site}: {number}")
        # What was issued again under our name is told of, whatever it was called before.
        told = {entry.uuid for entry in entries if entry.queued and entry.site in sites}
        others = tally(entry for entry in entries if entry.uuid not in told)
        for (site, host), number in others.items():
            text = f"{month}: job records of {host} as of {site}, not counted: {number};"
            complain("apel-sync", f"{text} see vcycle accounting verify {month}")
            status = 1
        if not own:
            print(f"{month}: no job records were queued")
    return status
