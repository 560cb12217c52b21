"""
``vcycle explain``: the rules by which each machinetype is or is not started.

Its JSON is the daemon's document ``/v1/explain``: for each space its ``rules``, the ``order`` of
need, ``superslots``, what is ``free``, and for each of its ``machinetypes`` the verdict, its own
rules, and ``next_at``, when that can change next, null where time alone changes nothing.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from vcycle.commands.ordering import add_output, add_place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vcycle.commands.main import Subcommands

DOCUMENT = "/v1/explain"


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "explain",
        help="show why machinetypes are or are not started, rule by rule",
        description="Ask the running daemon by which rules its last cycle decided: what each looked"
        " at, in order, what it said, and when that can change next. Exit status: 0, or 1 if the"
        " daemon does not answer or has no such machinetype.",
    )
    parser.add_argument("machinetype", nargs="?", metavar="MACHINETYPE", help="only this one")
    add_place(parser)
    add_output(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from vcycle.commands.asking import NoAnswer, ask
    from vcycle.commands.ordering import failed, look, printed, state_dir
    from vcycle.commands.views.reasons import explained
    from vcycle.monitor.place import socket_path

    try:
        path = arguments.socket or socket_path(state_dir("explain", arguments.config))
        document = ask(path, DOCUMENT)
        spaces = _chosen(document, arguments.space, arguments.machinetype)
    except NoAnswer as error:
        return failed("explain", error)
    if arguments.output == "json":
        sys.stdout.write(printed({**document, "spaces": spaces}))
    else:
        here = look()
        told = [explained(space, here, arguments.machinetype) for space in spaces]
        sys.stdout.write("\n".join(told))
    return 0


def _chosen(
    document: Mapping[str, Any], name: str | None, machinetype: str | None
) -> list[Mapping[str, Any]]:
    from vcycle.commands.asking import NoAnswer
    from vcycle.commands.views.reasons import listed

    spaces = listed(document.get("spaces"))
    if name is not None:
        spaces = [space for space in spaces if space.get("space") == name]
    if machinetype is not None:
        there = {kind.get("machinetype") for s in spaces for kind in listed(s.get("machinetypes"))}
        if machinetype not in there:
            names = ", ".join(sorted(map(str, there))) or "none"
            raise NoAnswer(f"there is no machinetype {machinetype!r}; there are: {names}")
        spaces = [
            {
                **space,
                "machinetypes": [
                    kind
                    for kind in listed(space.get("machinetypes"))
                    if kind.get("machinetype") == machinetype
                ],
            }
            for space in spaces
        ]
    if not spaces:
        raise NoAnswer("no such space has finished a cycle yet")
    return spaces
