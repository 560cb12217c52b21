"""The last message of a machine, the job output ``shutdown_message``: its text and its code."""

from __future__ import annotations

import re

NAME = "shutdown_message"
MAX_MESSAGE = 200
# Enough for the longest message in the longest encoding of its characters.
MAX_BODY = 4 * MAX_MESSAGE
_CODE = re.compile(r"([1-9][0-9]{2})(?:[ \t]|\Z)")
_LINE_END = re.compile(rb"[\r\n]")


def parse(body: bytes) -> str | None:
    """
    The first line as printable text of bounded length; None where it says nothing.

    Only the first MAX_BODY bytes count. What is not UTF-8, or cannot be printed, leaves a
    mark in its place.
    """
    line = _LINE_END.split(body[:MAX_BODY], 1)[0].decode("utf-8", "replace")
    clean = "".join(" " if c.isspace() else c if c.isprintable() else "?" for c in line)
    return clean[:MAX_MESSAGE].rstrip() or None


def code(text: str) -> int | None:
    """The code from 100 to 999 that a message begins with, if a blank or the end follows it."""
    found = _CODE.match(text)
    return None if found is None else int(found.group(1))
