"""
``vcycle orphans``: what there is that nobody answers for.

Its JSON is ``{"version": 1, "orphans": [{"kind", "what", "why", …}, …], "problems": [...]}``.
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
        "orphans",
        help="show machines, disks, volumes and exports that nobody answers for",
        description="Have the running daemon look at its provider and its state directory, and"
        " print machines with our mark and no record, others' machines with names of our slots,"
        " and files, volumes and exports of machines that are over. Nothing is changed. Exit"
        " status: 0 if there is nothing, 3 if there is, 1 if that could not be found out.",
    )
    add_place(parser)
    add_output(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from vcycle.commands.asking import NoAnswer
    from vcycle.commands.ordering import failed, look, order, printed
    from vcycle.commands.views.reasons import listed, orphaned
    from vcycle.core.table import clean

    try:
        answer = order(arguments, "orphans")
    except NoAnswer as error:
        return failed("orphans", error)
    found, problems = listed(answer.get("orphans")), answer.get("problems") or ()
    if arguments.output == "json":
        sys.stdout.write(printed(answer))
    else:
        sys.stdout.write(orphaned(found, look()))
    for problem in problems:
        print(f"vcycle orphans: {clean(str(problem))}", file=sys.stderr)
    if problems:
        return 1
    return 3 if found else 0
