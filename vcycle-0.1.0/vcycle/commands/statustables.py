"""A daemon's status as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from vcycle.core.table import Cell, Colour, Entry, clean, cut, paint, render, span

MACHINES = ("machine", "machinetype", "state", "cpus", "age", "last message")
MACHINETYPES = ("machinetype", "share", "machines", "starting", "last abort", "verdict", "reason")
# A daemon writes each minute; this is long after something went wrong.
OLD_SECONDS = 600
_COLOURS = {
    "running": Colour.GREEN,
    "requested": Colour.YELLOW,
    "starting": Colour.YELLOW,
    "draining": Colour.YELLOW,
    "missing": Colour.RED,
    "doomed": Colour.RED,
    "ended": Colour.GREY,
}


@frozen(kw_only=True)
class Look:
    """Where tables are shown: ``width`` None for other than terminals, ``now`` in Unix seconds."""

    now: float
    width: int | None = None
    colour: bool = False

    def line(self, text: str, colour: Colour | None = None) -> str:
        """One line of free text."""
        whole = clean(text) if self.width is None else cut(clean(text), self.width)
        return f"{paint(whole, colour) if self.colour else whole}\n"

    def table(
        self, header: Sequence[str], rows: Sequence[Sequence[Entry]], right: Sequence[int]
    ) -> str:
        """A table, fitted in."""
        return render(header, rows, right=right, width=self.width, colour=self.colour)


def tables(status: Mapping[str, Any], look: Look) -> str:
    """All spaces of a status; what another version of the daemon left out is a dash."""
    spaces = _list(status, "spaces")
    parts = [*_age(status, look), *("".join(_space(space, look)) for space in spaces)]
    if not spaces:
        parts.append(look.line("No space has finished a cycle yet."))
    return "\n".join(parts)


def _age(status: Mapping[str, Any], look: Look) -> Iterator[str]:
    written = _number(status, "written")
    if written is not None and look.now - written > OLD_SECONDS:
        text = (
            f"vcycled wrote this {span(look.now - written)} ago: see its log for what it waits for."
        )
        yield look.line(text, Colour.RED)


def _space(space: Mapping[str, Any], look: Look) -> Iterator[str]:
    counts = space.get("counts")
    counts = counts if isinstance(counts, Mapping) else {}
    words = [
        f"Space {_text(space, 'space')}",
        f"factory {_text(space, 'factory')}",
        f"{_of(counts, 'machines')} machines",
        f"{_of(counts, 'processors')} processors",
    ]
    if space.get("draining") is True:
        words.append("draining")
    yield look.line(", ".join(words))
    for problem in _list(space, "problems", str):
        yield look.line(f"Problem: {problem}", Colour.RED)
    machines = [_machine(machine, look.now) for machine in _list(space, "machines")]
    kinds = [_machinetype(kind, look.now) for kind in _list(space, "machinetypes")]
    for header, rows, right in ((MACHINES, machines, (3, 4)), (MACHINETYPES, kinds, (1, 2, 3, 4))):
        if rows:
            yield f"\n{look.table(header, rows, right)}"


def _machine(machine: Mapping[str, Any], now: float) -> list[Entry]:
    state = _text(machine, "state")
    requested, ended = _number(machine, "requested_at"), _number(machine, "ended_at")
    age = None if requested is None else (now if ended is None else ended) - requested
    message = machine.get("message")
    return [
        _text(machine, "machine"),
        _text(machine, "machinetype"),
        Cell(state, _COLOURS.get(state)),
        _text(machine, "processors"),
        span(age),
        message if isinstance(message, str) and message else _text(machine, "why"),
    ]


def _machinetype(kind: Mapping[str, Any], now: float) -> list[Entry]:
    aborted = _number(kind, "last_abort")
    share = _number(kind, "target_share")
    return [
        _text(kind, "machinetype"),
        "-" if share is None else f"{share:g}",
        _text(kind, "machines"),
        _text(kind, "starting"),
        span(None if aborted is None else now - aborted),
        _text(kind, "verdict"),
        _text(kind, "reason"),
    ]


def _list(mapping: Mapping[str, Any], key: str, kind: type = dict) -> list[Any]:
    value = mapping.get(key)
    return [item for item in value if isinstance(item, kind)] if isinstance(value, list) else []


def _number(mapping: Mapping[str, Any], key: str) -> float | None:
    value = mapping.get(key)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _text(mapping: Mapping[str, Any], key: str) -> str:
    value = mapping.get(key)
    return "-" if value is None or value == "" else str(value)


def _of(counts: Mapping[str, Any], key: str) -> str:
    """How many of how many, where there is a limit."""
    limit = counts.get(f"max_{key}")
    return _text(counts, key) if limit is None else f"{_text(counts, key)} of {limit}"
