"""Pictures of a terminal that take the place of one another without a flicker."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence

from vcycle.core.table import columns, cut

HOME = "\x1b[H"
_LINE_END = "\x1b[K\n"
_BELOW = "\x1b[J"
_COLOURS = re.compile(r"\x1b\[[0-9]+m")
_USUAL = os.terminal_size((80, 24))


def screen_size() -> os.terminal_size:
    """Of the terminal that is written to, and a usual one's if it does not say."""
    found = shutil.get_terminal_size(_USUAL)
    # Some terminals say that they have no lines, which Python knows since 3.11.
    return os.terminal_size((found.columns or _USUAL.columns, found.lines or _USUAL.lines))


def frame(text: str, below: Sequence[str], width: int, height: int) -> str:
    """
    The whole screen: as many lines of the text as there is room for, and then those ``below``.

    Lines of the text that are wider than the screen take several of its rows; the last row of
    the screen stays free.
    """
    lines, last = text.splitlines(), [cut(line.rstrip("\n"), width) for line in below]
    last = last[: max(0, height // 2)]
    room = max(1, height - 1 - len(last))
    if sum(_rows(line, width) for line in lines) > room:
        # The text's own last line says how much there is of what is left out.
        left, kept = room - 1 - _rows(lines[-1], width), 0
        while left >= _rows(lines[kept], width):
            left -= _rows(lines[kept], width)
            kept += 1
        hidden = cut(f"({len(lines) - 1 - kept} more lines)", width)
        lines = [*lines[:kept], hidden, lines[-1]] if room > 1 else lines[-1:]
    return HOME + "".join(_ended(line, width) for line in [*lines, *last]) + _BELOW


def _rows(line: str, width: int) -> int:
    """How many rows of the screen a line takes."""
    return max(1, -(-columns(_COLOURS.sub("", line)) // width))


def _ended(line: str, width: int) -> str:
    """A line that fills its last row leaves nothing to clear, and clearing would take its end."""
    filled = columns(_COLOURS.sub("", line))
    return f"{line}\n" if filled and filled % width == 0 else f"{line}{_LINE_END}"
