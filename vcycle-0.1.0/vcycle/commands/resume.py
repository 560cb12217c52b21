"""``vcycle resume``: the end of a drain."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from vcycle.commands.ordering import add_place

if TYPE_CHECKING:
    from vcycle.commands.main import Subcommands


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "resume",
        help="end a drain",
        description="Have the running daemon end what vcycle drain ordered, for the same"
        " machinetype and space, and print the drains that are left. Exit status: 0, or 1 if there"
        " was no such drain, or it could not be done.",
    )
    parser.add_argument(
        "machinetype", nargs="?", metavar="MACHINETYPE", help="as it was drained; else the factory"
    )
    add_place(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from vcycle.commands.asking import NoAnswer
    from vcycle.commands.drain import told
    from vcycle.commands.ordering import failed, order

    try:
        answer = order(arguments, "resume", machinetype=arguments.machinetype)
    except NoAnswer as error:
        return failed("resume", error)
    ended = answer.get("ended")
    if not ended:
        what = arguments.machinetype or "the factory"
        print(f"vcycle resume: {what} was not drained so; what is drained:", file=sys.stderr)
    print(told(answer.get("drains")), end="")
    return 0 if ended else 1
