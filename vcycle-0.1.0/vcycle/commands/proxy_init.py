"""``vcycle proxy-init``: a limited X.509 proxy, as machines get it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vcycle.commands.main import Subcommands

DEFAULT_SECONDS = 43200
MAX_SECONDS = 31 * 86400


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "proxy-init",
        help="make a limited X.509 proxy",
        description="Make a limited X.509 proxy, as machines get it with user_data_proxy, and"
        " print it as PEM: its certificate, its key, and the issuer's certificates. Exit status:"
        " 0 if it was made, 1 if not (the reason is on the standard error output), 2 if the"
        " command line is wrong.",
    )
    parser.add_argument(
        "-c", "--cert", metavar="FILE", required=True, help="certificates, the issuer's first"
    )
    parser.add_argument(
        "-k", "--key", metavar="FILE", required=True, help="the issuer's key; may be the same file"
    )
    parser.add_argument(
        "-l", "--legacy-proxy", action="store_true", help="the older Globus form, not RFC 3820"
    )
    life = parser.add_mutually_exclusive_group()
    life.add_argument(
        "--hours", metavar="N", type=_hours, dest="seconds", help="life of the proxy (12)"
    )
    life.add_argument("--seconds", metavar="N", type=_seconds, help="the same in seconds")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    import sys

    from vcycle.core.errors import VcycleError
    from vcycle.credentials.issuer import read_issuer
    from vcycle.credentials.proxy import make_proxy
    from vcycle.daemon.instants import wall

    now = wall()
    until = now + (arguments.seconds or DEFAULT_SECONDS)
    try:
        issuer = read_issuer(arguments.cert, arguments.key)
        proxy = make_proxy(issuer, now=now, until=until, legacy=arguments.legacy_proxy)
    except VcycleError as error:
        print(f"No proxy was made: {error}", file=sys.stderr)
        return 1
    sys.stdout.write(proxy.decode("ascii"))
    return 0


def _seconds(text: str) -> int:
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    return _within(seconds, text, "seconds", MAX_SECONDS)


def _hours(text: str) -> int:
    try:
        hours = float(text) if len(text) < 9 else 0.0
    except ValueError:
        hours = 0.0
    # Not a number is not between any two.
    seconds = int(hours * 3600) if 0.0 < hours <= MAX_SECONDS else 0
    return _within(seconds, text, "hours", MAX_SECONDS // 3600)


def _within(seconds: int, text: str, unit: str, most: int) -> int:
    if not 0 < seconds <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r}: expected {unit}, more than 0, at most {most}")
    return seconds
