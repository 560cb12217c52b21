"""``vcycle destroy``: end one machine now."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from vcycle.commands.ordering import add_place

if TYPE_CHECKING:
    from vcycle.commands.main import Subcommands


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "destroy",
        help="destroy one machine now",
        description="Have the running daemon destroy one machine in a cycle that begins at once,"
        " as it destroys machines itself. What runs in it is lost, and no back-off follows. Exit"
        " status: 0 if it was ordered, 1 if not.",
    )
    parser.add_argument("machine", metavar="MACHINE", help="its name, short name or uuid")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask whether you are sure")
    add_place(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from vcycle.commands.asking import NoAnswer
    from vcycle.commands.ordering import failed, order
    from vcycle.core.table import clean

    try:
        shown = order(arguments, "show", machine=arguments.machine).get("shown")
        machine = shown if isinstance(shown, dict) else {}
        told = f"{machine.get('machine')} ({machine.get('machinetype')}, {machine.get('state')})"
        if not arguments.yes and not _sure(clean(told)):
            return 1
        # The uuid, so that it is the very machine that was shown.
        answer = order(arguments, "destroy", machine=machine.get("uuid"))
    except NoAnswer as error:
        return failed("destroy", error)
    print(clean(f"{answer.get('machine')} ({answer.get('uuid')}) is being destroyed"))
    return 0


def _sure(told: str) -> bool:
    if not sys.stdin.isatty():
        print("vcycle destroy: give --yes where nobody can be asked", file=sys.stderr)
        return False
    print(f"Destroy {told}, and what runs in it? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    print("Not destroyed.", file=sys.stderr)
    return False
