"""From the bytes of a pipe's document to machinetypes that are judged, each for itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from vcycle.core.config.kinds import KINDS, MACHINETYPE
from vcycle.core.config.syntax import shown
from vcycle.core.errors import PipeError
from vcycle.core.pipes.allowed import Ignored, Refused, judge, quoted

MAX_BYTES = 1 << 20
MAX_DEPTH = 8
MAX_MACHINETYPES = 200
MAX_OPTIONS = 500
"""In one machinetype."""

MAX_TOLD = 8
"""Reasons in one line."""

_MAX_DIGITS = 40
_STRINGS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


@frozen(kw_only=True)
class Entry:
    """One machinetype: its options by their names in this version, as texts of good values."""

    suffix: str
    options: Mapping[str, str]


@frozen(kw_only=True)
class Document:
    """
    What a document says. ``left_out`` and ``ignored`` are lines on machinetypes that are refused,
    and on what has no effect; ``cache_seconds`` is None if it does not say.
    """

    cache_seconds: int | None
    entries: tuple[Entry, ...]
    left_out: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


class _Object(dict[str, Any]):
    """A JSON object that knows which of its keys were written twice."""

    twice: tuple[str, ...] = ()


def decode(body: bytes) -> Document:
    """
    Read a document, whatever it is.

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
    left_out: list[str] = []
    ignored: list[str] = []
    cache_seconds = _cache_seconds(whole, ignored)
    others = [name for name in whole if name not in ("cache_seconds", "machinetypes")]
    if others:
        ignored.append(_joined(f"{shown(name)}: ignored: no such key" for name in others))
    if whole.twice:
        ignored.append(_joined(f"{shown(name)} is written twice" for name in whole.twice))
    for number, item in enumerate(items, 1):
        try:
            entry = _entry(item, entries, ignored)
        except PipeError as error:
            left_out.append(f"{_called(item, number)} is left out: {error}")
        else:
            entries[entry.suffix] = entry
    return Document(
        cache_seconds=cache_seconds,
        entries=tuple(entries.values()),
        left_out=tuple(left_out),
        ignored=tuple(ignored),
    )


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


def _entry(item: object, others: Mapping[str, Entry], ignored: list[str]) -> Entry:
    """
    One machinetype.

    :raises PipeError: it cannot be made, for all these reasons.
    """
    if not isinstance(item, _Object):
        raise PipeError("expected an object")
    if len(item) > MAX_OPTIONS:
        raise PipeError(f"{len(item)} options: at most {MAX_OPTIONS} are read")
    wrong = [f"{shown(name)} is written twice" for name in item.twice]
    suffix = _suffix(item, others, wrong)
    options: dict[str, str] = {}
    without: list[str] = []
    for name, value in item.items():
        if name == "suffix":
            continue
        try:
            judged = judge(name, value)
        except Refused as refused:
            wrong.append(f"{quoted(name, value)}: {refused}")
        except Ignored as reason:
            without.append(f"{quoted(name, None)}: {reason}")
        else:
            if judged.option != name and judged.option in item:
                without.append(f"{name}: {judged.option} is there too")
                continue
            options[judged.option] = judged.text
    if wrong:
        raise PipeError(_joined(wrong))
    if without:
        ignored.append(f"machinetype {shown(suffix)}: ignored: {_joined(without)}")
    return Entry(suffix=suffix, options=options)


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


def _joined(reasons: Iterator[str] | list[str]) -> str:
    told = list(reasons)
    more = len(told) - MAX_TOLD
    return "; ".join(told[:MAX_TOLD]) + (f"; and {more} more" if more > 0 else "")
