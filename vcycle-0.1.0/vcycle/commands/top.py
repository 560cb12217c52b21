"""``vcycle top``: the busiest machines and the verdicts, again and again."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Union

from vcycle.commands.ordering import add_place

if TYPE_CHECKING:
    from vcycle.commands.main import Subcommands
    from vcycle.commands.statustables import Look

SECONDS = 2.0
MAX_SECONDS = 3600.0
MACHINES = ("machine", "machinetype", "state", "cpus", "now%", "age", "last message")
KINDS = ("machinetype", "share", "machines", "starting", "wanted%", "had%", "verdict", "next")
Former = dict[str, tuple[float, float, Union[float, None]]]
"""By uuid: when a machine was looked at, its CPU seconds then, and its NOW%."""

DOCUMENTS = ("/v1/status", "/v1/explain")


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "top",
        help="show the busiest machines and the verdicts, live",
        description="Ask the running daemon again and again, and show its machinetypes, what share"
        " each wants and has of the processors, and its machines, those that use most CPU time"
        " first. NOW% is of one processor, between the daemon's last two looks. Exit status: 0, or"
        " 1 if the daemon does not answer.",
    )
    parser.add_argument(
        "-d", "--delay", metavar="SECONDS", type=_seconds, default=SECONDS, help="between looks"
    )
    parser.add_argument(
        "-n", "--times", metavar="N", type=_times, help="look so often, then end; else until ^C"
    )
    add_place(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    import time

    from vcycle.commands.asking import NoAnswer, ask
    from vcycle.commands.frames import frame, screen_size
    from vcycle.commands.ordering import failed, look, state_dir
    from vcycle.monitor.place import socket_path

    path = arguments.socket or socket_path(state_dir("top", arguments.config))
    former: Former = {}
    left = arguments.times
    while True:
        try:
            status, reasons = (ask(path, document) for document in DOCUMENTS)
            _known(status, arguments.space)
        except NoAnswer as error:
            return failed("top", error)
        shown = screen(status, reasons, former, look(), arguments.space)
        if sys.stdout.isatty():
            size = screen_size()
            shown = frame(shown, (), size.columns, size.lines)
        sys.stdout.write(shown)
        sys.stdout.flush()
        left = None if left is None else left - 1
        if left == 0:
            return 0
        time.sleep(arguments.delay)


def _known(status: Mapping[str, Any], space: str | None) -> None:
    """:raises NoAnswer: others have finished a cycle, and there is no such space."""
    from vcycle.commands.asking import NoAnswer
    from vcycle.commands.views.reasons import listed

    there = [str(each.get("space")) for each in listed(status.get("spaces"))]
    if space is not None and there and space not in there:
        raise NoAnswer(f"there is no space {space!r} here; there are: {', '.join(sorted(there))}")


def screen(
    status: Mapping[str, Any],
    reasons: Mapping[str, Any],
    former: Former,
    look: Look,
    only: str | None = None,
) -> str:
    """
    One look; ``former`` is what the last one left, and is brought up to date.
    """
    from vcycle.commands.views.reasons import listed

    why = {space.get("space"): space for space in listed(reasons.get("spaces"))}
    parts = [
        _space(space, why.get(space.get("space"), {}), former, look)
        for space in listed(status.get("spaces"))
        if only is None or space.get("space") == only
    ]
    return "\n".join(parts) or look.line("No space has finished a cycle yet.")


def _space(
    space: Mapping[str, Any],
    why: Mapping[str, Any],
    former: Former,
    look: Look,
) -> str:
    from vcycle.commands.views.reasons import listed, number, text
    from vcycle.core.moments import span

    machines = [m for m in listed(space.get("machines")) if m.get("state") != "ended"]
    taken = number(space, "taken_at") or look.now
    machines = [{**machine, "now": _now(machine, taken, former)} for machine in machines]
    processors = sum(int(number(m, "processors") or 0) for m in machines)
    head = look.line(
        f"Space {text(space, 'space')}, factory {text(space, 'factory')}: {len(machines)} machines,"
        f" {processors} processors, {span(look.now - taken)} ago"
    )
    kinds = look.table(KINDS, _kinds(space, why, machines, processors, look), (1, 2, 3, 4, 5))
    machines.sort(key=lambda m: (-(m["now"] or 0.0), str(m.get("machine"))))
    rows = [_row(machine, look) for machine in machines]
    return f"{head}\n{kinds}\n{look.table(MACHINES, rows, (3, 4, 5))}"


def _now(machine: Mapping[str, Any], taken: float, former: Former) -> float | None:
    """Per cent of one processor between the daemon's last two looks."""
    from vcycle.commands.views.reasons import number

    cpu, uuid = number(machine, "cpu_seconds"), str(machine.get("uuid"))
    if cpu is None:
        return None
    at, before, last = former.get(uuid, (taken, cpu, None))
    if taken > at:
        last = 100.0 * max(0.0, cpu - before) / (taken - at)
    former[uuid] = (taken, cpu, last)
    return last


def _kinds(
    space: Mapping[str, Any],
    why: Mapping[str, Any],
    machines: list[Mapping[str, Any]],
    processors: int,
    look: Look,
) -> list[list[Any]]:
    from vcycle.commands.views.reasons import listed, number, text, when

    kinds = listed(space.get("machinetypes"))
    coming = {kind.get("machinetype"): kind for kind in listed(why.get("machinetypes"))}
    total = math.fsum(number(kind, "target_share") or 0.0 for kind in kinds)
    rows = []
    for kind in kinds:
        name = kind.get("machinetype")
        had = sum(number(m, "processors") or 0 for m in machines if m.get("machinetype") == name)
        share = number(kind, "target_share") or 0.0
        told = coming.get(name, {})
        at = number(told, "next_at")
        rows.append(
            [
                text(kind, "machinetype"),
                f"{share:g}",
                text(kind, "machines"),
                text(kind, "starting"),
                f"{100 * share / total:.1f}" if total else "-",
                f"{100 * had / processors:.1f}" if processors else "-",
                text(kind, "verdict"),
                text(told, "next") if at is None else when(at, look.now),
            ]
        )
    return rows


def _row(machine: Mapping[str, Any], look: Look) -> list[Any]:
    from vcycle.commands.views.reasons import number, text
    from vcycle.core.table import span

    requested, now = number(machine, "requested_at"), machine["now"]
    message = machine.get("message")
    return [
        text(machine, "machine"),
        text(machine, "machinetype"),
        text(machine, "state"),
        text(machine, "processors"),
        "-" if now is None else f"{now:.0f}",
        span(None if requested is None else look.now - requested),
        message if isinstance(message, str) and message else text(machine, "why"),
    ]


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.1 <= seconds <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r}: expected seconds from 0.1 to {MAX_SECONDS:g}")
    return seconds


def _times(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0 and len(text) < 9):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number, 1 or more")
    return int(text)
