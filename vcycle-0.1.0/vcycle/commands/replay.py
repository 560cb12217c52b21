"""
``vcycle replay``: recorded cycles decided again, under another configuration.

Its JSON is ``{"version": 1, "replayed": …, "differing": …, "cycles": [{"space", "at",
"differences": [...]}, …], "unread": how many lines could not be replayed}``.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from vcycle.commands.ordering import add_output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vcycle.commands.main import Subcommands
    from vcycle.core.config.model import Configuration
    from vcycle.core.journalread import Entry

MOST = 500
"""Cycles whose differences are printed; the sums are of all."""


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "replay",
        help="decide recorded cycles again under another configuration",
        description="Read the daemon's journal, decide each of its cycles again by the"
        " configuration that is given, and print what that would have done otherwise. Each cycle"
        " is decided from what was recorded of it: machines that another configuration would have"
        " made are not there in the next. Exit status: 0 if nothing differs, 3 if something does,"
        " 1 if nothing could be replayed.",
    )
    parser.add_argument("--config", metavar="FILE", help="decide by this configuration alone")
    parser.add_argument(
        "--journal", metavar="DIRECTORY", help="the journal; else that of the configuration"
    )
    parser.add_argument(
        "--since", metavar="TIME", type=_span, help="only so far back, such as 2h or 1d; else all"
    )
    parser.add_argument("-s", "--space", metavar="NAME", help="only this space")
    add_output(parser)
    parser.set_defaults(run=run)


def _span(text: str) -> float:
    from vcycle.commands.drain import span_of

    return span_of(text)


def run(arguments: argparse.Namespace) -> int:
    import os

    from vcycle.commands.ordering import failed, printed
    from vcycle.core.errors import VcycleError
    from vcycle.daemon.configuration import examine_files, places_of, this_host
    from vcycle.daemon.instants import wall

    reading = examine_files(places_of(arguments.config), this_host())
    if reading.configuration is None:
        return failed("replay", VcycleError("the configuration is not usable (see vcycle check)"))
    configuration = reading.configuration
    place = arguments.journal or os.path.join(configuration.settings.state_dir, "journal")
    since = None if arguments.since is None else wall() - arguments.since
    try:
        found = replayed(place, configuration, since, arguments.space)
    except VcycleError as error:
        return failed("replay", error)
    if not found["replayed"]:
        told = f"{place}: nothing was recorded there of these spaces in that time"
        return failed("replay", VcycleError(told))
    sys.stdout.write(printed(found) if arguments.output == "json" else _text(found))
    return 3 if found["differing"] else 0


def replayed(
    place: str, configuration: Configuration, since: float | None, only: str | None
) -> dict[str, Any]:
    """
    What every cycle of a journal would have been.

    :raises VcycleError: the journal cannot be read.
    """
    from vcycle.core.digest import differences, digest_of
    from vcycle.core.plan import plan_cycle

    count = differing = unread = 0
    starts = {"was": 0, "would_be": 0}
    cycles: list[dict[str, Any]] = []
    for entry in _entries(place, since):
        if entry is None:
            unread += 1
            continue
        space = configuration.spaces.get(entry.space)
        if space is None or only not in (None, entry.space):
            continue
        try:
            plan = plan_cycle(entry.observation(space))
        except (ValueError, TypeError, AttributeError):
            unread += 1
            continue
        count += 1
        digest = digest_of(plan)
        starts["was"] += len(entry.digest.create)
        starts["would_be"] += len(digest.create)
        found = list(differences(entry.digest, digest))
        if found:
            differing += 1
            cycles.append({"space": entry.space, "at": entry.at, "differences": found})
    return {
        "version": 1,
        "replayed": count,
        "differing": differing,
        "unread": unread,
        "started": starts,
        "cycles": cycles,
    }


def _entries(place: str, since: float | None) -> Iterator[Entry | None]:
    from vcycle.core.journalread import decode
    from vcycle.store.journal import lines

    for line in lines(place, since):
        try:
            entry = decode(line)
        except ValueError:
            yield None
            continue
        if since is None or entry.at >= since:
            yield entry


def _text(found: dict[str, Any]) -> str:
    from vcycle.core.moments import moment
    from vcycle.core.table import clean

    lines: list[str] = []
    for cycle in found["cycles"][:MOST]:
        head = f"{moment(cycle['at'])} {cycle['space']}"
        lines += [clean(f"{head}: {text}") for text in cycle["differences"]]
    if len(found["cycles"]) > MOST:
        lines.append(f"({len(found['cycles']) - MOST} more cycles differ)")
    starts = found["started"]
    lines.append(
        f"{found['replayed']} cycles replayed, {found['differing']} would differ;"
        f" {starts['was']} machines were started, {starts['would_be']} would have been."
    )
    if found["unread"]:
        lines.append(f"{found['unread']} lines could not be replayed.")
    return "\n".join(lines) + "\n"
