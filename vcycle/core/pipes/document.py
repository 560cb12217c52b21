"""From the bytes of a pipe's document to machinetypes that are judged, each for itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from vcycle.core.config.kinds import KINDS, MACHINETYPE
from vcycle.core.config.syntax import shown
from vcycle.core.errors import PipeError
from vcycle.core.pipes.allowed import Ignored, Refused, judge, meant, quoted

MAX_BYTES = 1 << 20
MAX_DEPTH = 8
MAX_MACHINETYPES = 200
MAX_OPTIONS = 500
"""In one machinetype."""

MAX_TOLD = 8
"""Reasons in one line of a log."""

_MAX_DIGITS = 40
_STRINGS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


@frozen(kw_only=True)
class Entry:
    """One machinetype: its options by their names in this version, as texts of good values."""

    suffix: str
    options: Mapping[str, str]


@frozen(kw_only=True)
class Refusal:
    """
    A machinetype that is left out: what it is called, and why, with how many more reasons.

    ``rest`` is what is good of it, None if it is none at all; ``wrong`` are the options that are
    not, of which nothing more need be said.
    """

    called: str
    reasons: tuple[str, ...]
    more: int = 0
    rest: Entry | None = None
    wrong: frozenset[str] = frozenset()

    def told(self, others: Sequence[str] = (), most: int | None = MAX_TOLD) -> str:
        """The line on it, with other reasons too; all of them if ``most`` is None."""
        reasons = joined([*self.reasons, *others], most, self.more)
        return f"{self.called} is left out: {reasons}"


@frozen(kw_only=True)
class Document:
    """
    What a document says. ``refusals`` are machinetypes that are left out, and ``ignored`` lines on
    what has no effect; ``cache_seconds`` is None if it does not say.
    """

    cache_seconds: int | None
    entries: tuple[Entry, ...]
    refusals: tuple[Refusal, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def left_out(self) -> tuple[str, ...]:
        """Lines on the machinetypes that are left out."""
        return tuple(refusal.told() for refusal in self.refusals)


class _Object(dict[str, Any]):
    """A JSON object that knows which of its keys were written twice."""

    twice: tuple[str, ...] = ()


def decode(body: bytes, most: int | None = MAX_TOLD) -> Document:
    """
    Read a document, whatever it is; at most so many reasons of each kind are kept.

    :raises PipeError: nothing in it can be used. What is wrong with one machinetype is told in
        the Document, and leaves out no other.
    """
    whole = _whole(body)
    items = whole.get("machinetypes")
    if not isinstance(items, list):
        raise PipeError('expected "machinetypes", a list')
    if len(items) > MAX_MACHINETYPES:
        raise PipeError(f"{len(items)} machinetypes: at most {MAX_MACHINETYPES} are read")
    entries: dict[str, Entry] = {}
    refusals: list[Refusal] = []
    ignored: list[str] = []
    cache_seconds = _cache_seconds(whole, ignored)
    others = [name for name in whole if name not in ("cache_seconds", "machinetypes")]
    if others:
        reasons = [f"{shown(name)}: ignored: no such key" for name in others]
        ignored.append(joined(reasons, most))
    if whole.twice:
        ignored.append(joined([f"{shown(name)} is written twice" for name in whole.twice], most))
    for number, item in enumerate(items, 1):
        called, without = _called(item, number), list[str]()
        try:
            found = _entry(item, entries, without)
        except _Spoilt as spoilt:
            reasons = spoilt.reasons
            kept = tuple(reasons[:most])
            refusals.append(
                Refusal(
                    called=called,
                    reasons=kept,
                    more=len(reasons) - len(kept),
                    rest=spoilt.rest,
                    wrong=spoilt.wrong,
                )
            )
        else:
            entries[found.suffix] = found
        if without:
            ignored.append(f"{called}: ignored: {joined(without, most)}")
    return Document(
        cache_seconds=cache_seconds,
        entries=tuple(entries.values()),
        refusals=tuple(refusals),
        ignored=tuple(ignored),
    )


class _Spoilt(Exception):  # noqa: N818 (it is found out, not raised to anybody)
    """A machinetype that cannot be made."""

    def __init__(
        self, reasons: list[str], rest: Entry | None = None, wrong: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(reasons)
        self.reasons, self.rest, self.wrong = reasons, rest, wrong


def _whole(body: bytes) -> _Object:
    if len(body) > MAX_BYTES:
        raise PipeError(f"{len(body)} bytes: at most {MAX_BYTES} are read")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PipeError(f"no JSON: byte {error.start + 1} is not UTF-8 text") from error
    if _depth(text) > MAX_DEPTH:
        raise PipeError(f"lists and objects in one another more than {MAX_DEPTH} deep")
    try:
        whole = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise PipeError(f"no JSON: {where}: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise PipeError("no JSON") from error
    if not isinstance(whole, _Object):
        raise PipeError('expected an object, {"machinetypes": [...]}')
    return whole


def _depth(text: str) -> int:
    """How deep it is at least, before anything walks into it; strings count for nothing."""
    depth = most = 0
    for bracket in re.findall(r"[\[\]{}]", _STRINGS.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        most = max(most, depth)
        if most > MAX_DEPTH:
            break
    return most


def _pairs(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = [name for name, _ in pairs if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
        made.twice = tuple(dict.fromkeys(twice))
    return made


def _integer(digits: str) -> float:
    return int(digits) if len(digits) <= _MAX_DIGITS else float("inf")


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=_integer)


def _cache_seconds(whole: Mapping[str, Any], ignored: list[str]) -> int | None:
    value = whole.get("cache_seconds")
    if value is None:
        return None
    kind = KINDS["seconds"]
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValueError(value)
        number = str(int(value)) if isinstance(value, float) else str(value)
        seconds: int = kind.parse(number)
    except (ValueError, OverflowError):
        ignored.append(f"cache_seconds: ignored: expected {kind.wanted}")
        return None
    return seconds


def _called(item: object, number: int) -> str:
    suffix = item.get("suffix") if isinstance(item, dict) else None
    return f"machinetype {shown(suffix) if isinstance(suffix, str) else f'no {number}'}"


def _entry(item: object, others: Mapping[str, Entry], without: list[str]) -> Entry:
    """
    One machinetype; what has no effect is added to ``without``.

    :raises _Spoilt: it cannot be made, for all these reasons.
    """
    if not isinstance(item, _Object):
        raise _Spoilt(["expected an object"])
    if len(item) > MAX_OPTIONS:
        raise _Spoilt([f"{len(item)} options: at most {MAX_OPTIONS} are read"])
    reasons = [f"{shown(name)} is written twice" for name in item.twice]
    wrong = [meant(name) for name in item.twice]
    suffix = _suffix(item, others, reasons)
    options: dict[str, str] = {}
    for name, value in item.items():
        if name == "suffix":
            continue
        try:
            judged = judge(name, value)
        except Refused as refused:
            reasons.append(f"{quoted(name, value)}: {refused}")
            wrong.append(meant(name))
        except Ignored as reason:
            without.append(f"{quoted(name, None)}: {reason}")
        else:
            if judged.option != name and judged.option in item:
                without.append(f"{name}: {judged.option} is there too")
                continue
            options[judged.option] = judged.text
    entry = Entry(suffix=suffix, options=options)
    if reasons:
        raise _Spoilt(reasons, entry, frozenset(wrong))
    return entry


def _suffix(item: Mapping[str, Any], others: Mapping[str, Entry], wrong: list[str]) -> str:
    suffix = item.get("suffix")
    if suffix is None:
        wrong.append("it has no suffix")
    elif not isinstance(suffix, str):
        wrong.append("suffix: expected a string")
    elif suffix in others:
        wrong.append("another one has this suffix too")
    else:
        try:
            MACHINETYPE.parse(suffix)
        except ValueError:
            wrong.append(f"suffix: expected {MACHINETYPE.wanted}")
        return suffix
    return ""


def joined(reasons: Sequence[str], most: int | None = MAX_TOLD, more: int = 0) -> str:
    """One text of reasons, at most so many, and of how many more there are."""
    told = reasons[:most]
    more += len(reasons) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")
