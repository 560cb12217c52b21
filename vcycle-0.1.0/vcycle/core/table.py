"""Tables and times as text, for commands."""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import Union

from attrs import frozen

GAP = "  "
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


class Colour(enum.Enum):
    """Colours of a terminal, by their ANSI numbers."""

    RED = 31
    GREEN = 32
    YELLOW = 33
    GREY = 90


@frozen
class Cell:
    """A text with a colour of its own; a table takes plain texts as well."""

    text: str
    colour: Colour | None = None


Entry = Union[str, Cell]


def wants_colour(terminal: bool, environment: Mapping[str, str]) -> bool:
    """Whether to colour: only on a terminal, not on a dumb one, and never under NO_COLOR."""
    return terminal and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def clean(text: str) -> str:
    """The text on one line, with a question mark for all that could steer a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "?" for char in text)


def paint(text: str, colour: Colour | None) -> str:
    """The text between a terminal's codes for a colour; as it is without one."""
    return text if colour is None else f"\x1b[{colour.value}m{text}\x1b[0m"


def columns(text: str) -> int:
    """How many columns of a terminal a text fills."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def render(
    header: Sequence[str],
    rows: Sequence[Sequence[Entry]],
    *,
    right: Collection[int] = (),
    width: int | None = None,
    colour: bool = False,
) -> str:
    """
    Rows under upper-case headers, two blanks apart, no blank at a line's end, each line ended.

    Columns numbered in ``right`` are aligned at their right. Lines are cut only at ``width``,
    which is for terminals; hostile characters are replaced.
    """
    table = [[Cell(name.upper()) for name in header]]
    table += [[_cell(entry) for entry in row] for row in rows]
    widths = [max(columns(row[i].text) for row in table) for i in range(len(header))]
    return "".join(f"{_line(row, widths, right, width, colour)}\n" for row in table)


def _cell(entry: Entry) -> Cell:
    cell = entry if isinstance(entry, Cell) else Cell(entry)
    return Cell(clean(cell.text).strip(), cell.colour)


def _line(
    row: Sequence[Cell],
    widths: Sequence[int],
    right: Collection[int],
    width: int | None,
    colour: bool,
) -> str:
    line, used, owed = "", 0, 0
    for index, cell in enumerate(row):
        fill = widths[index] - columns(cell.text)
        owed += fill if index in right else 0
        if cell.text:
            text = cell.text
            if width is not None and used + owed + columns(text) > width:
                text = cut(text, width - used - owed)
                if not text:
                    break
            line += " " * owed + (paint(text, cell.colour) if colour else text)
            used, owed = used + owed + columns(text), 0
        owed += len(GAP) + (0 if index in right else fill)
    return line


def cut(text: str, width: int) -> str:
    """The text within so many columns, an ellipsis in place of what does not fit."""
    if columns(text) <= width:
        return text
    kept = ""
    for char in text:
        if columns(kept + char) > width - 1:
            break
        kept += char
    return kept + ELLIPSIS if width > 0 else ""


def span(seconds: float | None) -> str:
    """A length of time in the two largest units that say something: 45s, 12m, 3h05m, 2d04h."""
    if seconds is None:
        return "-"
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if hours < 1:
        return f"{minutes}m"
    return f"{hours}h{minutes % 60:02}m" if days < 1 else f"{days}d{hours % 24:02}h"
