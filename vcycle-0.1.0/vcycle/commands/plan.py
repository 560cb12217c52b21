"""
``vcycle plan``: what a cycle would do now, by a real look at the world.

Its JSON is ``{"version": 1, "spaces": [...]}``, each as of ``vcycle explain``, and with what would
be done: ``adopt``, ``end``, ``destroy`` and ``create``.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from vcycle.commands.ordering import add_output, add_place

if TYPE_CHECKING:
    from vcycle.commands.main import Subcommands


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "plan",
        help="show what a cycle would do now, and do nothing",
        description="Have the running daemon look at its provider and its host, and plan, and print"
        " the plan. Nothing is made, destroyed or written; of other factories and of images it is"
        " what the last cycle knew. Exit status: 0, or 1 if the daemon does not answer.",
    )
    add_place(parser)
    add_output(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from vcycle.commands.asking import NoAnswer
    from vcycle.commands.ordering import failed, look, order, printed
    from vcycle.commands.views.reasons import listed, planned

    try:
        answer = order(arguments, "plan")
    except NoAnswer as error:
        return failed("plan", error)
    if arguments.output == "json":
        sys.stdout.write(printed(answer))
    else:
        here = look()
        told = [planned(space, here) for space in listed(answer.get("spaces"))]
        sys.stdout.write("\n".join(told))
    return 0
