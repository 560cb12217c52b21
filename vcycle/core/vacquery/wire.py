"""One datagram as a JSON object, and its values, each with its type and its bounds."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, Callable, Union

from vcycle.core.errors import MalformedQuery
from vcycle.core.vacquery.messages import Cookie

MAX_NAME = 300
MAX_TEXT = 200
MAX_COOKIE = 96
"""Bytes of a cookie as JSON: it must leave room for an answer beside it."""

MAX_NUMBER = 1e15
AHEAD_SECONDS = 5
"""How much later than a message was sent what it tells of may be: clocks are set meanwhile."""

MAX_TIME = 9_999_999_999
MAX_DEPTH = 8
_SHOWN = 40

Message = dict[str, Any]
Names = Union[str, tuple[str, ...]]


def object_of(datagram: bytes, most: int) -> Message:
    """
    The JSON object that a datagram of at most ``most`` bytes is.

    :raises MalformedQuery: it is none, or holds a key twice, a number that is not finite, or
        much in one another.
    """
    if len(datagram) > most:
        raise MalformedQuery(f"{len(datagram)} bytes: at most {most} are read")
    try:
        message = _DECODER.decode(datagram.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise MalformedQuery(f"not JSON: {type(error).__name__}") from error
    if type(message) is not dict:
        raise MalformedQuery(f"JSON, but {type(message).__name__} where an object is expected")
    if datagram.find(b"[") >= 0 or datagram.find(b"{", 1) >= 0:
        _check_depth(message)
    return message


def _unique(pairs: list[tuple[str, Any]]) -> Message:
    message = dict(pairs)
    if len(message) != len(pairs):
        raise MalformedQuery("a key is there twice")
    return message


def _not_finite(word: str) -> float:
    raise MalformedQuery(f"{word} is no number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_not_finite)


def _check_depth(message: Message) -> None:
    """What we do not know may be nested, a little."""
    level: list[Any] = [message]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise MalformedQuery(f"values nested deeper than {MAX_DEPTH}")


def _inside(value: Any) -> Iterable[Any]:
    values = value.values() if isinstance(value, dict) else value
    return [each for each in values if isinstance(each, (dict, list))]


def refusal(key: str, value: object, wanted: str) -> MalformedQuery:
    """What is said of a value that is not as ``wanted``; little of it is quoted."""
    try:
        told = ascii(value)
    except (ValueError, RecursionError):
        told = f"<{type(value).__name__}>"
    shown = told if len(told) <= _SHOWN else f"{told[:_SHOWN]}..."
    return MalformedQuery(f"{key} = {shown}: expected {wanted}")


def find(message: Message, names: Names) -> tuple[str, Any]:
    """The first of these keys whose value is there and not null, else the first and None."""
    if isinstance(names, str):
        return names, message.get(names)
    for name in names:
        value = message.get(name)
        if value is not None:
            return name, value
    return names[0], None


def cookie(message: Message) -> Cookie:
    """:raises MalformedQuery: there is no cookie, or one that cannot be echoed."""
    if "cookie" not in message:
        raise MalformedQuery("cookie is not there")
    value = message["cookie"]
    if type(value) is str:
        good = value.isascii() and value.isprintable() and len(value) <= MAX_COOKIE
        # Escapes at most double the length of printable ASCII.
        good = good and (len(value) < MAX_COOKIE // 2 or len(json.dumps(value)) <= MAX_COOKIE)
    else:
        good = value is None or (isinstance(value, (bool, int, float)) and _is_short(value))
    if not good:
        wanted = f"plain text or a number, of at most {MAX_COOKIE} bytes"
        raise refusal("cookie", value, wanted)
    found: Cookie = value
    return found


def _is_short(number: float) -> bool:
    try:
        return math.isfinite(number) and len(json.dumps(number)) <= MAX_COOKIE
    except (ValueError, OverflowError):
        return False  # a whole number beyond what Python turns into text, or into a float


def name(message: Message, names: Names) -> str:
    """One word of printable ASCII, neither empty nor longer than any name may be."""
    key, value = find(message, names)
    found = _name(key, value)
    if found is None:
        raise refusal(key, value, "a name")
    return found


def maybe_name(message: Message, names: Names) -> str | None:
    """As ``name``, or None; an empty name is none."""
    key, value = find(message, names)
    return _name(key, value)


def _name(key: str, value: object) -> str | None:
    if value is None or value == "":
        return None
    if (
        not isinstance(value, str)
        or len(value) > MAX_NAME
        or not (value.isascii() and value.isprintable())
        or " " in value
    ):
        raise refusal(key, value, f"a name of at most {MAX_NAME} printable ASCII characters")
    return value


def text(message: Message, names: Names) -> str | None:
    """One printable line of at most MAX_TEXT characters, made of whatever text is there."""
    key, value = find(message, names)
    if value is None:
        return None
    if not isinstance(value, str):
        raise refusal(key, value, "text or null")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise refusal(key, value, "text without lone surrogates") from error
    return printable(value)


def printable(value: str, most: int = MAX_TEXT) -> str | None:
    """
    The beginning of a text as one line; None where it says nothing.

    What cannot be printed leaves a mark in its place, so that nobody can forge a line of a log
    or speak to a terminal.
    """
    head = value[:most]
    if not head.isprintable():
        head = "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in head)
    return head.rstrip() or None


def number(message: Message, names: Names, most: float = MAX_NUMBER) -> float | None:
    """A finite number from 0 to ``most``, or None."""
    key, value = find(message, names)
    return None if value is None else _number(key, value, most)


def _number(key: str, value: object, most: float) -> float:
    if type(value) is not int and type(value) is not float:
        raise refusal(key, value, "a number")
    if not 0 <= value <= most:  # nor is NaN
        raise refusal(key, value, f"a number from 0 to {most:g}")
    return float(value)


def whole(message: Message, names: Names, most: float = MAX_NUMBER) -> int | None:
    """A whole number from 0 to ``most``, or None; 4.0 is whole too."""
    key, value = find(message, names)
    if value is None:
        return None
    found = _number(key, value, most)
    if not found.is_integer():
        raise refusal(key, value, "a whole number")
    return int(found)


def roughly(message: Message, names: Names) -> int | None:
    """As ``number``, without its fraction."""
    found = number(message, names)
    return None if found is None else int(found)


def moment(message: Message, names: Names) -> int | None:
    """Whole Unix seconds, or None."""
    return whole(message, names, MAX_TIME)


def past(message: Message, names: Names) -> int | None:
    """As ``moment``, of what has happened: by the sender's own clock it is not to come."""
    found, sent = moment(message, names), moment(message, "time_sent")
    if found is not None and sent is not None and found > sent + AHEAD_SECONDS:
        key, value = find(message, names)
        raise refusal(key, value, f"no later than time_sent = {sent}")
    return found


Reader = Callable[[Message, Names], Any]


def needed(read: Reader, message: Message, names: Names) -> Any:
    """What ``read`` finds, which must be there."""
    found = read(message, names)
    if found is None:
        key, value = find(message, names)
        raise refusal(key, value, "a value")
    return found
