"""Giving the running daemon an order over its control socket."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from socket import socket

    from vcycle.commands.statustables import Look

LIMIT = 64 * 1024 * 1024
SECONDS = 60.0
"""A plan looks at the provider, which may take as long as in a cycle."""


def add_place(parser: argparse.ArgumentParser, space: bool = True) -> None:
    """Which daemon, and which of its spaces."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--socket", metavar="PATH", help="the daemon's socket")
    where.add_argument("--config", metavar="FILE", help="the daemon's configuration")
    if space:
        parser.add_argument("-s", "--space", metavar="NAME", help="only this space")


def add_output(parser: argparse.ArgumentParser) -> None:
    """In which form."""
    parser.add_argument(
        "-o", "--output", choices=("table", "json"), default="table", help="table, or JSON"
    )


def state_dir(command: str, config: str | None) -> str:
    """The state directory by the configuration, also by one that is not usable."""
    from vcycle.daemon.configuration import judge, places_of, read_texts, this_host
    from vcycle.daemon.lastgood import state_dir_of

    texts, problems = read_texts(places_of(config))
    configuration = judge(texts, problems, this_host()).configuration
    if configuration is not None:
        return configuration.settings.state_dir
    # The daemon goes on with its last good configuration, so it is asked nevertheless.
    found = state_dir_of(texts)
    print(
        f"vcycle {command}: the configuration is not usable (see vcycle check); "
        f"asking the daemon of {found}",
        file=sys.stderr,
    )
    return found


def order(arguments: argparse.Namespace, kind: str, **more: object) -> Mapping[str, Any]:
    """
    Give the daemon an order.

    :raises NoAnswer: it did not answer, or cannot do it; the text says why, and the cure.
    """
    from vcycle.monitor.place import control_path

    path = arguments.socket or control_path(state_dir(arguments.command, arguments.config))
    space = getattr(arguments, "space", None)
    return give(path, {"order": kind, "space": space, **more})


def give(path: str, order: Mapping[str, object], seconds: float = SECONDS) -> Mapping[str, Any]:
    """The daemon's answer to an order at the Unix socket ``path``; raises as ``order``."""
    import json
    import socket

    from vcycle.commands.asking import NoAnswer

    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(seconds)
            line.connect(path)
            line.sendall(json.dumps(order).encode("ascii") + b"\n")
            answer = _parsed(path, _received(line))
    except FileNotFoundError:
        raise NoAnswer(
            f"{path}: no such socket; start vcycled, or name its configuration with --config"
        ) from None
    except ConnectionRefusedError:
        raise NoAnswer(f"{path}: nobody answers; start vcycled (systemctl start vcycled)") from None
    except PermissionError:
        raise NoAnswer(
            f"{path}: not permitted: orders are taken from the daemon's group alone; be root, or"
            f" become a member of the group {_group(path)} and log in again"
        ) from None
    except socket.timeout:
        raise NoAnswer(
            f"{path}: no answer within {seconds:.0f} s; see vcycled's log for what it waits for"
        ) from None
    except OSError as error:
        raise NoAnswer(f"{path}: {error.strerror or error}; is this vcycled's socket?") from None
    problem = answer.get("error")
    if isinstance(problem, str):
        raise NoAnswer(problem)
    return answer


def _received(line: socket) -> bytes:
    whole = bytearray()
    while len(whole) <= LIMIT:
        part = line.recv(65536)
        if not part:
            break
        whole += part
    return bytes(whole)


def _parsed(path: str, body: bytes) -> Mapping[str, Any]:
    import json

    from vcycle.commands.asking import NoAnswer

    try:
        value = json.loads(body) if len(body) <= LIMIT else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise NoAnswer(f"{path}: the answer is no JSON object; is this vcycled's control socket?")
    return value


def _group(path: str) -> str:
    import grp

    try:
        return grp.getgrgid(os.stat(path).st_gid).gr_name
    except (OSError, KeyError):
        return "that it has"


def look() -> Look:
    """How tables are shown here and now."""
    from vcycle.commands.frames import screen_size
    from vcycle.commands.statustables import Look
    from vcycle.core.table import wants_colour
    from vcycle.daemon.instants import wall

    terminal = sys.stdout.isatty()
    return Look(
        now=wall(),
        width=screen_size().columns if terminal else None,
        colour=wants_colour(terminal, os.environ),
    )


def failed(command: str, error: Exception) -> int:
    """Say why a command could not do it; gives its exit status."""
    from vcycle.core.table import clean

    print(f"vcycle {command}: {clean(str(error))}", file=sys.stderr)
    return 1


def printed(document: Mapping[str, Any]) -> str:
    """A document for programs."""
    import json

    return json.dumps(document, indent=2) + "\n"
