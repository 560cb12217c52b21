"""The JSON objects at the end of a CernVM image, the known faults of old ones included."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

BLOCK = 32768
"""Bytes of one block, padding included."""
_TOKEN = re.compile(r'[ \t\r\n]*("(?:[^"\\\x00-\x1f]|\\.)*"|[][{}:,]|[-+.0-9A-Za-z]+)', re.ASCII)


def texts_of(block: bytes) -> dict[str, str]:
    """
    The texts of a block's object, by their keys; values that are no texts are left out.

    Images from before 2015 were written with a comma too many at the end of the object, and
    with commas missing between the texts of a list. Both are put right between tokens, never
    within a text, and only where the block is not JSON as it stands.

    :raises ValueError: it is not such an object.
    """
    try:
        text = block.rstrip(b"\0").decode("utf-8")
        try:
            found = _parsed(text)
        except json.JSONDecodeError:
            found = _parsed("".join(_mended(text)))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _parsed(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is in it twice")
    return found


def _mended(text: str) -> Iterator[str]:
    """The tokens of a text, without a comma before a closing one, and one between two texts."""
    inside: list[str] = []
    words = [*_tokens(text), ""]
    for before, word, after in zip(["", *words], words, words[1:]):
        if word in ("{", "["):
            inside.append(word)
        elif word in ("}", "]") and inside:
            inside.pop()
        if word == "," and after in ("}", "]"):
            continue
        if before[:1] == word[:1] == '"' and inside[-1:] == ["["]:
            yield ","
        yield word


def _tokens(text: str) -> Iterator[str]:
    end, text = 0, text.rstrip()
    while end < len(text):
        match = _TOKEN.match(text, end)
        if match is None:
            raise ValueError(f"it is not JSON at character {end}")
        yield match[1]
        end = match.end()
