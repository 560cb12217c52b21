"""
``vcycle show``: one machine, its times, its words, and the end of its console.

Its JSON is ``{"version": 1, "shown": {...}}``, where ``timeline`` has moments in their order.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from vcycle.commands.ordering import add_output, add_place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vcycle.commands.main import Subcommands
    from vcycle.commands.statustables import Look


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "show",
        help="show one machine: its times, its message, the end of its console",
        description="Ask the running daemon for all that it knows of one machine, or of the last"
        " one of a slot. What cannot be printed of its console is a question mark. Exit status: 0,"
        " or 1 if there is no such machine or no answer.",
    )
    parser.add_argument("machine", metavar="MACHINE", help="its name, short name or uuid")
    add_place(parser)
    add_output(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from vcycle.commands.asking import NoAnswer
    from vcycle.commands.ordering import failed, look, order, printed

    try:
        answer = order(arguments, "show", machine=arguments.machine)
    except NoAnswer as error:
        return failed("show", error)
    if arguments.output == "json":
        sys.stdout.write(printed(answer))
    else:
        shown = answer.get("shown")
        sys.stdout.write(_text(shown if isinstance(shown, dict) else {}, look()))
    return 0


FACTS = (
    ("uuid", "uuid"),
    ("space", "space"),
    ("machinetype", "machinetype"),
    ("state", "state"),
    ("outcome", "outcome"),
    ("message", "message"),
    ("processors", "processors"),
    ("memory MiB", "memory_mb"),
    ("CPU seconds", "cpu_seconds"),
    ("address", "address"),
    ("image", "image"),
    ("directory", "directory"),
)


def _text(machine: Mapping[str, Any], look: Look) -> str:
    from vcycle.commands.views.reasons import listed, number, text, when

    lines = [look.line(f"Machine {text(machine, 'machine')}")]
    for name, key in FACTS:
        if machine.get(key) is not None:
            lines.append(look.line(f"  {name + ':':13} {text(machine, key)}"))
    end = number(machine, "shutdown_time")
    if end is not None and machine.get("outcome") is None:
        lines.append(look.line(f"  {'ends by:':13} {when(end, look.now)}"))
    lines.append("\n")
    for each in listed(machine.get("timeline")):
        at = number(each, "at")
        lines.append(look.line(f"  {when(at, look.now)}  {text(each, 'what')}"))
    console = machine.get("console")
    if isinstance(console, list) and console:
        lines += ["\n", look.line("The end of its console:")]
        lines += [look.line(f"  {line}") for line in console]
    else:
        lines += ["\n", look.line("It wrote nothing to its console.")]
    return "".join(lines)
