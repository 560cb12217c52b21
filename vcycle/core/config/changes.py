"""What differs between two configurations, in words that may go into a log."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from vcycle.core.config.model import Configuration, Space

_NESTED = ("machinetypes", "pipes", "name", "space")
_SECRET = ("user_data_options", "machinefeatures_options")


def changes(old: Configuration, new: Configuration) -> tuple[str, ...]:
    """
    Each difference in one line; () if there is none.

    Values of user_data_option_* and machinefeatures_option_* are never told: they may be secrets.
    """
    return (
        *_fields("settings", old.settings, new.settings),
        *_members("space", old.spaces, new.spaces, _space),
    )


def _space(what: str, old: Space, new: Space) -> Iterator[str]:
    yield from _fields(what, old, new)
    yield from _members(f"{what}: vacuum pipe", old.pipes, new.pipes, _fields)
    yield from _members(f"{what}: machinetype", old.machinetypes, new.machinetypes, _fields)


def _members(what: str, old: Mapping[str, Any], new: Mapping[str, Any], each: Any) -> Iterator[str]:
    for name in old:
        if name not in new:
            yield f"{what} {name}: removed"
    for name in new:
        if name not in old:
            yield f"{what} {name}: added"
        else:
            yield from each(f"{what} {name}", old[name], new[name])


def _fields(what: str, old: Any, new: Any) -> Iterator[str]:
    for attribute in attrs.fields(type(old)):
        name = attribute.name
        before, after = getattr(old, name), getattr(new, name)
        if name in _NESTED or before == after:
            continue
        if isinstance(before, Mapping):
            yield from _keys(what, name, before, after)
        else:
            yield f"{what}: {name} was {_told(before)}, is {_told(after)}"


def _keys(
    what: str, name: str, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[str]:
    """An option of a prefix, by its whole name: the field's without the plural."""
    for key in sorted({*before, *after}):
        option = f"{name[:-1]}_{key}"
        if key not in after:
            yield f"{what}: {option} removed"
        elif key not in before:
            yield f"{what}: {option} added"
        elif before[key] != after[key] and name in _SECRET:
            yield f"{what}: {option} changed"
        elif before[key] != after[key]:
            yield f"{what}: {option} was {_told(before[key])}, is {_told(after[key])}"


def _told(value: object) -> str:
    """As it would be written in a file, on one line and cut."""
    if value is None or value == "" or value == ():
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return " ".join(map(str, value))[:200]
    text = str(value)
    return text[:200] if text.isprintable() else ascii(text[:200])
