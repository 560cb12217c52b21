"""
``vcycle factories``: the factories of a space, and their hosts.

Its JSON is what :mod:`vcycle.commands.shown` says, with::

    "factories": [{"factory", "site", "running_processors", "max_processors",
                   "running_machines", "max_machines", "running_hs06", "max_hs06",
                   "load_average", "root_disk_avail_kb", "root_disk_avail_inodes",
                   "daemon_disk_avail_kb", "daemon_disk_avail_inodes", "mem_used_kb",
                   "mem_total_kb", "swap_used_kb", "swap_free_kb", "kernel_version",
                   "os_issue", "boot_time", "factory_heartbeat_time",
                   "responder_heartbeat_time", "mjf_heartbeat_time",
                   "metadata_heartbeat_time", "time_sent", "daemon_version",
                   "vacquery_version"}, …]

``load_average`` is over 15 minutes; ``*_kb`` are KiB; of heartbeats 0 is none yet.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from vcycle.commands.asked import add_asking

if TYPE_CHECKING:
    from vcycle.commands.main import Subcommands


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "factories",
        help="show factories and their hosts",
        description="Ask every factory of a space, and print what it has and uses: CPUS and"
        " MACHINES are those in use of all, LOAD is over 15 minutes, the disks are free space,"
        " MEMORY is used of all, BEAT is the age of the factory's heartbeat, ANSWERS that of its"
        " responder's.",
    )
    add_asking(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from vcycle.commands.shown import ask_and_show
    from vcycle.commands.views.factories import QUESTION

    return ask_and_show(arguments, QUESTION)
