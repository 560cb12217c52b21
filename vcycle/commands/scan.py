"""
``vcycle scan``: every machine of a space.

Its JSON is what :mod:`vcycle.commands.shown` says, with::

    "machines_running": …, "machines_starting": …,
    "processors_running": of all machines that are there, "processors_limit": … or null,
    "machines": [{"factory", "machine", "slot", "machinetype", "state", "machine_model", "uuid",
                  "processors", "hs06", "created_time", "started_time", "heartbeat_time",
                  "shutdown_time", "time_sent", "age_seconds", "cpu_seconds",
                  "lifetime_cpu_percentage", "recent_cpu_percentage", "shutdown_message",
                  "fqan", "site", "daemon_version"}, …]

``state`` is running, starting, paused, zombie, deleting, failed, or unknown where its
factory cannot say; these machines are counted as there. With ``--all`` it is also shut-down or
empty: in such slots there is no machine.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from vcycle.commands.asked import add_asking

if TYPE_CHECKING:
    from vcycle.commands.main import Subcommands


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "scan",
        help="show every machine of a space",
        description="Ask every factory of a space, and print its machines. AGE is how long a"
        " machine has run, or has been starting; CPU% is of its whole life and NOW% since its"
        " factory's last look, over 100 for several processors. A machine whose state its factory"
        " does not know is shown, and counted, as one that is there.",
    )
    parser.add_argument("-a", "--all", action="store_true", help="slots without a machine too")
    add_asking(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from vcycle.commands.shown import ask_and_show
    from vcycle.commands.views.scan import QUESTION

    return ask_and_show(arguments, QUESTION)
