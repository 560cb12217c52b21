"""Checks of single values that arrive as JSON: what a field may hold, and what was wanted."""

from __future__ import annotations

import enum
import ipaddress
import re
from typing import Any, Callable

Check = Callable[[object], Any]
"""Gives the value of a field; raises ValueError whose text says what was wanted."""

MAX_FREE_TEXT = 10_000


def pattern(regex: str, wanted: str) -> Check:
    """A text that the whole of ``regex`` matches."""
    match = re.compile(regex).fullmatch

    def check(value: object) -> str:
        if isinstance(value, str) and match(value):
            return value
        raise ValueError(wanted)

    return check


def whole(low: int, high: int) -> Check:
    """A whole number from ``low`` to ``high``; true and false are none."""

    def check(value: object) -> int:
        if type(value) is int and low <= value <= high:
            return value
        raise ValueError(f"a whole number from {low} to {high}")

    return check


def number(low: float, high: float) -> Check:
    """A finite number from ``low`` to ``high``; true and false are none."""

    def check(value: object) -> float:
        # The range, being finite, shuts out infinities and what is not a number.
        if isinstance(value, (int, float)) and type(value) is not bool and low <= value <= high:
            return float(value)
        raise ValueError(f"a number from {low:g} to {high:g}")

    return check


def word(words: type[enum.Enum]) -> Check:
    """The member of an enum whose value is given."""
    members = {member.value: member for member in words}

    def check(value: object) -> enum.Enum:
        if isinstance(value, str) and value in members:
            return members[value]
        raise ValueError("one of " + ", ".join(members))

    return check


def maybe(check: Check) -> Check:
    """None, or what ``check`` wants."""

    def checked(value: object) -> Any:
        return None if value is None else check(value)

    return checked


def truth(value: object) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    raise ValueError("true or false")


def free_text(value: object) -> str:
    """Any text that ``clip`` leaves as it is."""
    if isinstance(value, str) and len(value) <= MAX_FREE_TEXT:
        return value
    raise ValueError(f"a text of at most {MAX_FREE_TEXT} characters")


def clip(text: str | None) -> str | None:
    """The beginning of a text, as much as ``free_text`` takes."""
    return text if text is None else text[:MAX_FREE_TEXT]


def address(value: object) -> str:
    """An IPv4 or IPv6 address in text."""
    if isinstance(value, str) and len(value) <= 45:
        try:
            ipaddress.ip_address(value)
        except ValueError:
            pass
        else:
            return value
    raise ValueError("an IP address")
