"""The options of all commands that ask factories."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

OUTPUTS = ("table", "wide", "json", "name")
WATCH_SECONDS = 2.0
MAX_SECONDS = 3600.0


def add_asking(parser: argparse.ArgumentParser) -> None:
    """Whom to ask, and the form of what is printed."""
    parser.set_defaults(machinetype=None)
    parser.epilog = (
        "Exit status: 0 if every factory answered, 1 if not (the reasons are on the standard"
        " error output), 2 if the command line or the configuration does not say whom to ask."
    )
    parser.add_argument(
        "factories",
        nargs="*",
        metavar="FACTORY",
        help="ask only these: a full or short name, or . for this host",
    )
    whom = parser.add_argument_group("whom to ask")
    whom.add_argument("--config", metavar="FILE", help="read only this configuration")
    whom.add_argument("-s", "--space", metavar="NAME", help="where there are several")
    whom.add_argument("--port", type=_port, help="the factories' UDP port")
    whom.add_argument(
        "--secret-file", metavar="FILE", help="the space's secret, to ask those who require it"
    )
    whom.add_argument(
        "-t", "--timeout", metavar="SECONDS", type=_seconds, help="wait for answers at most so long"
    )
    form = parser.add_argument_group("form")
    form.add_argument(
        "-o", "--output", choices=OUTPUTS, default="table", help="table, the default, or another"
    )
    form.add_argument(
        "-J", "--json", dest="output", action="store_const", const="json", help="as -o json"
    )
    form.add_argument(
        "--sort",
        metavar="COLUMN[,...]",
        type=_names,
        default=(),
        help="order rows, such as machinetype,-age; a - turns round, a blank in a header is a -",
    )
    form.add_argument("--no-headers", action="store_true", help="rows only, without a summary")
    form.add_argument(
        "-w",
        "--watch",
        metavar="SECONDS",
        nargs="?",
        type=_watch,
        const=WATCH_SECONDS,
        help=f"ask again after so long ({WATCH_SECONDS:.0f}), until interrupted",
    )
    form.add_argument(
        "--color",
        "--colour",
        choices=("auto", "always", "never"),
        default="auto",
        help="auto: on terminals; never where NO_COLOR is set",
    )


def joined(argv: Sequence[str]) -> list[str]:
    """The command line with ``--sort -age`` as ``--sort=-age``, which argparse understands."""
    words: list[str] = []
    for word in argv:
        if words and words[-1] == "--sort" and word.startswith("-") and not word.startswith("--"):
            words[-1] = f"--sort={word}"
        else:
            words.append(word)
    return words


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in text.split(",") if name.strip())


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 0 < port < 65536:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a port from 1 to 65535")
    return port


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.0 < seconds <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected seconds, more than 0 and at most {MAX_SECONDS:.0f}"
        )
    return seconds


def _watch(text: str) -> float:
    try:
        return _seconds(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}; factories go before --watch") from None
