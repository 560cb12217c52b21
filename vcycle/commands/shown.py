"""
Asking factories and printing what they tell, once or again and again.

All commands that do so print, for programs, one JSON object::

    {"version": 1, "command": "scan", "space": …,
     "taken_at": Unix seconds, "taken_at_iso": the same as 2026-01-01T00:00:00Z,
     "seconds": how long it took, "factories_asked": …, "factories_answered": …,
     what the command shows: [{…}, …],
     "unreachable": [{"factory": its full name, "reason": …}, …]}

A factory that told less than it announced is in ``unreachable`` as well; what it told is shown.
What is not known is null. ``*_time`` are Unix seconds by the clock of the factory that told
them, and ``time_sent`` is what that clock showed. Within a version keys may be added; none goes,
and none changes its meaning. With ``--watch`` each object is on a line of its own.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import time

from vcycle.commands.choosing import CannotAsk, Chosen, choose
from vcycle.commands.frames import frame, screen_size
from vcycle.commands.querying import gather
from vcycle.commands.views.columns import Look, bare
from vcycle.commands.views.gathered import Gathered, Question, View
from vcycle.core.table import clean, wants_colour

NOT_ASKED = 2
PATIENCE = 0.5
"""Seconds after which whoever waits at a terminal is told what for."""


def ask_and_show(arguments: argparse.Namespace, question: Question) -> int:
    """Gives the command's exit status."""
    try:
        _check_sort(arguments, question)
        chosen = choose(arguments)
    except CannotAsk as error:
        print(f"vcycle {arguments.command}: {clean(str(error))}", file=sys.stderr)
        return NOT_ASKED
    if chosen.remark is not None:
        print(f"vcycle {arguments.command}: {clean(chosen.remark)}", file=sys.stderr)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What machines say may not be in the terminal's alphabet.
        sys.stdout.reconfigure(errors="replace")
    while True:
        gathered = _gather(arguments, question, chosen)
        view = question.view(gathered, arguments)
        _print(arguments, gathered, view)
        if arguments.watch is None:
            # Who did not answer may know what nobody else does.
            return 1 if gathered.unreachable else NOT_ASKED if view.wrong else 0
        time.sleep(arguments.watch)


def _check_sort(arguments: argparse.Namespace, question: Question) -> None:
    for name in arguments.sort:
        if bare(name) not in question.columns:
            raise CannotAsk(
                f"--sort {name}: there is no such column; there are {', '.join(question.columns)}"
            )


def _gather(arguments: argparse.Namespace, question: Question, chosen: Chosen) -> Gathered:
    if arguments.watch is not None or not sys.stderr.isatty():
        return gather(chosen, question.kinds)
    waiting = _Waiting(len(chosen.factories))
    try:
        return gather(chosen, question.kinds, waiting.told)
    finally:
        waiting.end()


class _Waiting:
    """A line at the terminal that says how many answered so far, and goes away at the end."""

    def __init__(self, asked: int) -> None:
        from vcycle.daemon.instants import steady

        self._clock = steady
        self._from = steady() + PATIENCE
        self._asked = asked
        self._shown = ""

    def told(self, answered: int) -> None:
        line = f"{answered} of {self._asked} factories have answered"
        if line != self._shown and self._clock() > self._from:
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
            self._shown = line

    def end(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _print(arguments: argparse.Namespace, gathered: Gathered, view: View) -> None:
    terminal = sys.stdout.isatty()
    people = arguments.output in ("table", "wide")
    frames = arguments.watch is not None and terminal and people
    messages = [f"{name}: {reason}" for name, reason in gathered.unreachable.items()]
    if view.wrong:
        messages.append(view.wrong)
    elif view.nothing:
        messages.append(f"{view.nothing} in {gathered.chosen.space}")
    complaints = [f"vcycle {arguments.command}: {clean(message)}\n" for message in messages]
    size = screen_size()
    # In a wide table nothing is cut: whoever asks for all of it gets that.
    width = size.columns if terminal and arguments.output == "table" else None
    whole = _text(arguments, gathered, view, _look(arguments, width))
    sys.stdout.write(frame(whole, complaints, size.columns, size.lines) if frames else whole)
    sys.stdout.flush()
    if not frames:
        sys.stderr.write("".join(complaints))
        sys.stderr.flush()


def _look(arguments: argparse.Namespace, width: int | None) -> Look:
    if arguments.color == "never":
        colour = False
    else:
        terminal = arguments.color == "always" or sys.stdout.isatty()
        colour = wants_colour(terminal, os.environ)
    return Look(
        wide=arguments.output == "wide",
        headers=not arguments.no_headers,
        width=width,
        colour=colour,
    )


def _text(arguments: argparse.Namespace, gathered: Gathered, view: View, look: Look) -> str:
    if arguments.output == "json":
        return _json(arguments, gathered, view)
    if arguments.output == "name":
        return "".join(f"{clean(name)}\n" for name in view.names)
    return view.text(look)


def _json(arguments: argparse.Namespace, gathered: Gathered, view: View) -> str:
    import json

    taken_at = int(gathered.taken_at)
    document = {
        "version": 1,
        "command": arguments.command,
        "space": gathered.chosen.space,
        "taken_at": taken_at,
        "taken_at_iso": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(taken_at)),
        "seconds": round(gathered.seconds, 3),
        "factories_asked": len(gathered.chosen.factories),
        "factories_answered": gathered.answered,
        **view.objects,
        "unreachable": [
            {"factory": name, "reason": reason} for name, reason in gathered.unreachable.items()
        ],
    }
    return json.dumps(document, indent=None if arguments.watch is not None else 2) + "\n"
