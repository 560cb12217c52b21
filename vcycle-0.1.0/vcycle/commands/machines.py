"""
``vcycle machines``: every slot of every factory.

Its JSON is what :mod:`vcycle.commands.shown` says, with ``machines`` as of ``vcycle scan --all``.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from vcycle.commands.asked import add_asking

if TYPE_CHECKING:
    from vcycle.commands.main import Subcommands


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "machines",
        help="show every slot of a space, and its last machine",
        description="Ask every factory of a space, and print its slots, those without a machine"
        " too: there AGE is how long the last one had run.",
    )
    add_asking(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from vcycle.commands.shown import ask_and_show
    from vcycle.commands.views.machines import QUESTION

    return ask_and_show(arguments, QUESTION)
