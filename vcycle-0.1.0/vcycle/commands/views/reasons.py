"""Rules, plans and orphans as text for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from vcycle.commands.statustables import Look
from vcycle.core.moments import moment, span
from vcycle.core.table import Cell, Colour, Entry

RULES = ("rule", "looked at", "verdict")
ORDER = ("place", "machinetype", "share", "HS06", "score", "machinegroup", "group score")
CREATES = ("machine", "machinetype", "cpus", "until", "why")
ENDS = ("machine", "machinetype", "what", "why")
ORPHANS = ("kind", "what", "state", "why")
_WORDS = {"started": Colour.GREEN, "full": Colour.GREEN, "backing-off": Colour.YELLOW}


def listed(value: Any) -> list[Mapping[str, Any]]:
    """The objects in what should be a list of objects."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def text(of: Mapping[str, Any], key: str) -> str:
    """A value as text; a dash for none."""
    value = of.get(key)
    return "-" if value is None or value == "" else str(value)


def number(of: Mapping[str, Any], key: str) -> float | None:
    """A number, or None for what is none."""
    value = of.get(key)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def when(at: float | None, now: float) -> str:
    """A moment, and how far away it is."""
    if at is None:
        return "-"
    ahead = at - now
    return f"{moment(at)} ({f'in {span(ahead)}' if ahead > 0 else f'{span(-ahead)} ago'})"


def explained(space: Mapping[str, Any], look: Look, only: str | None = None) -> str:
    """All rules of a space, and of its machinetypes or of one of them, in their order."""
    parts = [
        look.line(
            f"Space {text(space, 'space')}, factory {text(space, 'factory')}:"
            f" as of {when(number(space, 'taken_at'), look.now)},"
            f" next cycle {when(number(space, 'next_cycle_at'), look.now)}"
        ),
        look.line("Rules for all machinetypes, in order"),
        _rules(space.get("rules"), look),
    ]
    parts += [
        "".join(_machinetype(kind, look))
        for kind in listed(space.get("machinetypes"))
        if only is None or kind.get("machinetype") == only
    ]
    parts.append(look.line("Order of need, the most starved first, after what was started"))
    parts.append(_order(space, look))
    parts.append("".join(_room(space, look)))
    return "\n".join(part for part in parts if part)


def _machinetype(kind: Mapping[str, Any], look: Look) -> Iterator[str]:
    word = text(kind, "verdict")
    yield look.line(
        f"{text(kind, 'machinetype')}: {word}: {text(kind, 'reason')}", _WORDS.get(word)
    )
    yield _rules(kind.get("rules"), look)
    at = number(kind, "next_at")
    moment_told = "nothing by itself: " if at is None else f"{when(at, look.now)}: "
    yield look.line(f"Next change: {moment_told}{text(kind, 'next')}")


def _rules(rules: Any, look: Look) -> str:
    rows: list[list[Entry]] = []
    for rule in listed(rules):
        if rule.get("passes") is True:
            verdict = Cell("passes", Colour.GREEN)
        else:
            until = number(rule, "until")
            left = "" if until is None else f" [until {moment(until)}]"
            verdict = Cell(f"no: {text(rule, 'refusal')}{left}", Colour.RED)
        rows.append([text(rule, "rule"), text(rule, "seen"), verdict])
    return look.table(RULES, rows, ()) if rows else ""


def _order(space: Mapping[str, Any], look: Look) -> str:
    rows: list[list[Entry]] = [
        [
            str(place),
            text(need, "machinetype"),
            text(need, "target_share"),
            text(need, "hs06"),
            f"{number(need, 'score') or 0:.3g}",
            text(need, "machinegroup"),
            f"{number(need, 'group_score') or 0:.3g}",
        ]
        for place, need in enumerate(listed(space.get("order")), 1)
    ]
    return look.table(ORDER, rows, (0, 2, 3, 4, 6)) if rows else ""


def _room(space: Mapping[str, Any], look: Look) -> Iterator[str]:
    free = space.get("free")
    if isinstance(free, Mapping):
        told = [
            f"{_left(free.get(key))} {what}"
            for key, what in (
                ("processors", "processors"),
                ("memory_mb", "MiB of memory"),
                ("machines", "machines"),
            )
        ]
        yield look.line(f"Left after that: {', '.join(told)}")
    slots = space.get("superslots")
    for slot in listed(slots.get("open") if isinstance(slots, Mapping) else None):
        end = moment(number(slot, "shutdown_time") or 0)
        yield look.line(
            f"Kept for machines that end with those of {end}: {text(slot, 'kept')} processors"
            f" (there: {text(slot, 'processors')})"
        )


def planned(space: Mapping[str, Any], look: Look) -> str:
    """What a cycle would do."""
    parts = [look.line(f"Space {text(space, 'space')}: what a cycle would do now; nothing is done")]
    problems = space.get("problems") or ()
    parts += [look.line(f"Problem: {problem}", Colour.RED) for problem in problems]
    ends: list[list[Entry]] = []
    for key, what in (("adopt", "adopt"), ("end", "end"), ("destroy", "destroy")):
        for each in listed(space.get(key)):
            why = each.get("why") or f"{text(each, 'outcome')}: {text(each, 'message')}"
            ends.append([text(each, "machine"), text(each, "machinetype"), what, str(why)])
    if ends:
        parts += ["\n", look.table(ENDS, ends, ())]
    creates: list[list[Entry]] = [
        [
            text(each, "machine"),
            text(each, "machinetype"),
            text(each, "processors"),
            moment(number(each, "shutdown_time") or 0),
            text(each, "reason"),
        ]
        for each in listed(space.get("create"))
    ]
    if creates:
        parts += ["\n", look.table(CREATES, creates, (2,))]
    parts.append("\n")
    for kind in listed(space.get("machinetypes")):
        word = text(kind, "verdict")
        line = f"{text(kind, 'machinetype')}: {word}: {text(kind, 'reason')}"
        parts.append(look.line(line, _WORDS.get(word)))
    return "".join(parts)


def orphaned(found: Iterable[Mapping[str, Any]], look: Look) -> str:
    """What nobody answers for."""
    rows: list[list[Entry]] = []
    for each in found:
        size = number(each, "bytes")
        state = text(each, "state") if size is None else f"{size / 2**20:.0f} MiB"
        rows.append([text(each, "kind"), text(each, "what"), state, text(each, "why")])
    return look.table(ORPHANS, rows, ()) if rows else look.line("No orphans.")


def _left(value: Any) -> str:
    """What others took beyond a limit is no less than nothing."""
    if isinstance(value, bool) or not isinstance(value, int):
        return "any number of"
    return str(max(0, value))
