"""``vcycle drain``: no new machines, of all machinetypes or of one, until an end or ``resume``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from vcycle.commands.ordering import add_place

if TYPE_CHECKING:
    from vcycle.commands.main import Subcommands


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "drain",
        help="start no new machines; existing ones go on",
        description="Have the running daemon start no new machines, of all machinetypes or of one,"
        " until a moment or until vcycle resume. Machines that exist go on to their end. It is"
        " kept over restarts. Exit status: 0, or 1 if it could not be done.",
    )
    parser.add_argument(
        "machinetype", nargs="?", metavar="MACHINETYPE", help="only this one, not the factory"
    )
    parser.add_argument("-r", "--reason", metavar="TEXT", help="why, for those who ask later")
    end = parser.add_mutually_exclusive_group()
    end.add_argument(
        "--for", dest="seconds", metavar="TIME", type=span_of, help="so long: 30m, 2h, 1d12h"
    )
    end.add_argument(
        "--until",
        metavar="WHEN",
        type=_moment,
        help="until 2026-01-31, 2026-01-31T12:00 (of this host's time zone), or Unix seconds",
    )
    add_place(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from vcycle.commands.asking import NoAnswer
    from vcycle.commands.ordering import failed, order

    try:
        answer = order(
            arguments,
            "drain",
            machinetype=arguments.machinetype,
            reason=arguments.reason,
            seconds=arguments.seconds,
            until=arguments.until,
        )
    except NoAnswer as error:
        return failed("drain", error)
    print(told(answer.get("drains")), end="")
    return 0


def told(drains: object) -> str:
    """All drains in force, a line each."""
    from vcycle.commands.views.reasons import listed, number, text
    from vcycle.core.moments import moment
    from vcycle.core.table import clean

    lines = []
    for drain in listed(drains):
        what = drain.get("machinetype") or "all machinetypes"
        where = drain.get("space") or "all spaces"
        until = number(drain, "until")
        end = "until it is resumed" if until is None else f"until {moment(until)}"
        line = f"{what} of {where}: drained by {text(drain, 'by')} {end}: {text(drain, 'reason')}"
        lines.append(f"{clean(line)}\n")
    return "".join(lines) or "Nothing is drained.\n"


def span_of(text: str) -> float:
    """Seconds of a text such as 1d12h."""
    import re

    units = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    parts = re.findall(r"(\d{1,9})([smhdw])", text.lower())
    if not parts or "".join(n + u for n, u in parts) != text.lower():
        raise argparse.ArgumentTypeError(f"{text!r}: expected such as 45m, 2h, 1d12h")
    return float(sum(int(number) * units[unit] for number, unit in parts))


def _moment(text: str) -> float:
    import datetime

    if text.isascii() and text.isdigit() and len(text) < 12:
        return float(text)
    try:
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError, OSError):
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected such as 2026-01-31, 2026-01-31T12:00, or Unix seconds"
        ) from None
