"""
``vcycle machinetypes``: what each factory runs of each machinetype, and of what it died last.

Its JSON is what :mod:`vcycle.commands.shown` says, with::

    "machinetypes": [{"machinetype", "factory", "running_machines", "running_processors",
                      "running_hs06", "before_fizzle", "shutdown_message", "shutdown_time",
                      "shutdown_machine", "shutdown_age_seconds", "time_sent", "fqan",
                      "bytes_per_processor", "max_wallclock_seconds", "max_processors",
                      "site", "daemon_version"}, …],
    "totals": [{"machinetype", "factories": how many told of it, "target_share": by the
                configuration here, or null, "target_percentage", "share_percentage": of the
                space's HS06, "running_machines", "running_processors", "running_hs06",
                "before_fizzle", "shutdown_message", "shutdown_machine",
                "shutdown_age_seconds": the latest of all}, …]
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from vcycle.commands.asked import add_asking

if TYPE_CHECKING:
    from vcycle.commands.main import Subcommands


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "machinetypes",
        help="show machinetypes on each factory, and in the whole space",
        description="Ask every factory of a space for its machinetypes, or for one of them, and"
        " print what runs there, in all and per factory. YOUNG counts machines that may still"
        " fizzle; LAST END is how long ago the last message came: from Vcycle's factories that"
        " of an abort. A name that nobody knows is wrong: exit status 2.",
    )
    parser.add_argument(
        "machinetype",
        nargs="?",
        metavar="NAME",
        help="only this machinetype; goes before factories, and is one of them where it is the name"
        " of a factory and of no machinetype",
    )
    add_asking(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from vcycle.commands.shown import ask_and_show
    from vcycle.commands.views.machinetypes import QUESTION

    return ask_and_show(arguments, QUESTION)
