"""The text of APEL messages: a first line with kind and version, ``Key: value`` lines, ``%%``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

JOB = "APEL-individual-job-message"
SYNC = "APEL-sync-message"
JOB_VERSION = "v0.3"
"""
Says one benchmark in two lines. Version 0.4 can say several, of which the loader keeps only the
one that it prefers: the same row in the end, but refused by loaders that do not know it.
"""

SYNC_VERSION = "v0.1"
END = "%%"
MAX_VALUE = 255
"""Characters of a text column in APEL's database."""

MAX_MESSAGE = 1 << 16
MAX_FIELDS = 64
NOTHING = frozenset({"", "none", "null"})
"""What the loader takes for a value that is missing, in any case of its letters."""


@frozen
class Message:
    """One message with one record; of a repeated key the last value holds."""

    kind: str
    version: str
    fields: Mapping[str, str]


def clean(value: object, most: int = MAX_VALUE) -> str:
    """
    A value that is safe in a message: printable ASCII on one line, ``most`` characters at most.

    The loader parts records at ``%%`` wherever it stands, so that is no part of a value.
    """
    line = " ".join(str(value).split())
    text = "".join(letter if " " <= letter <= "~" else "?" for letter in line)
    while END in text:
        text = text.replace(END, "%?")
    return text[:most].strip()


def write(kind: str, version: str, fields: Iterable[tuple[str, object]]) -> str:
    """A message of one record; what is None, or would be taken for nothing, is left out."""
    lines = [f"{kind}: {version}"]
    for key, value in fields:
        text = "" if value is None else clean(value)
        if text.lower() not in NOTHING:
            lines.append(f"{key}: {text}")
    return "\n".join((*lines, END, ""))


def read(text: str) -> Message:
    """
    A message that was written by ``write``.

    :raises ValueError: it is something else; the text says what is wrong.
    """
    if len(text) > MAX_MESSAGE:
        raise ValueError(f"longer than {MAX_MESSAGE} characters")
    if not text.isascii():
        raise ValueError("not plain ASCII")
    lines = text.split("\n")
    kind, colon, version = lines[0].partition(":")
    if not colon or kind not in (JOB, SYNC):
        raise ValueError("it does not begin as an APEL message")
    if lines[-2:] != [END, ""] or END in lines[1:-2]:
        raise ValueError(f"it does not hold one record that ends with {END}")
    if len(lines) > MAX_FIELDS:
        raise ValueError(f"more than {MAX_FIELDS} lines")
    fields = {}
    for line in lines[1:-2]:
        key, colon, value = line.partition(":")
        if not colon:
            raise ValueError("it has a line without a colon")
        fields[key.strip()] = value.strip()
    return Message(kind, version.strip(), fields)
