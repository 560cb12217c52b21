"""``vcycle status``: what the running daemon does, and why."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vcycle.commands.main import Subcommands

WATCH_SECONDS = 2.0
DOCUMENT = "/v1/status"
# Home, and clear to the end: without it lines of a longer former table would stay.
_CLEAR = "\x1b[H\x1b[2J"


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "status",
        help="show machines, and why they are or are not started",
        description="Ask the running daemon over its Unix socket, and print its machines, what was"
        " decided on each machinetype and why, and its problems. Exit status: 0 if the daemon"
        " answers, 1 if not.",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--socket", metavar="PATH", help="the daemon's socket")
    where.add_argument("--config", metavar="FILE", help="the daemon's configuration")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print the daemon's JSON as it is")
    shape.add_argument(
        "--watch", action="store_true", help="print again every few seconds, until interrupted"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    import time

    from vcycle.commands.asking import NoAnswer

    path = arguments.socket or _configured(arguments.config)
    while True:
        try:
            text = _json(path) if arguments.json else _tables(path)
        except NoAnswer as error:
            print(f"vcycle status: {error}", file=sys.stderr)
            return 1
        if arguments.watch and sys.stdout.isatty():
            sys.stdout.write(_CLEAR)
        sys.stdout.write(text)
        sys.stdout.flush()
        if not arguments.watch:
            return 0
        time.sleep(WATCH_SECONDS)


def _json(path: str) -> str:
    import json

    from vcycle.commands.asking import ask

    return json.dumps(ask(path, DOCUMENT), indent=2) + "\n"


def _tables(path: str) -> str:
    from vcycle.commands.asking import ask
    from vcycle.commands.frames import screen_size
    from vcycle.commands.statustables import Look, tables
    from vcycle.core.table import wants_colour
    from vcycle.daemon.instants import wall

    terminal = sys.stdout.isatty()
    look = Look(
        now=wall(),
        width=screen_size().columns if terminal else None,
        colour=wants_colour(terminal, os.environ),
    )
    return tables(ask(path, DOCUMENT), look)


def _configured(config: str | None) -> str:
    """The socket by the configuration, also by one that is not usable."""
    from vcycle.daemon.configuration import judge, places_of, read_texts, this_host
    from vcycle.daemon.lastgood import state_dir_of
    from vcycle.monitor.place import socket_path

    texts, problems = read_texts(places_of(config))
    configuration = judge(texts, problems, this_host()).configuration
    if configuration is not None:
        return socket_path(configuration.settings.state_dir)
    # The daemon goes on with its last good configuration, so it is asked nevertheless.
    state_dir = state_dir_of(texts)
    print(
        "vcycle status: the configuration is not usable (see vcycle check); "
        f"asking the daemon of {state_dir}",
        file=sys.stderr,
    )
    return socket_path(state_dir)
