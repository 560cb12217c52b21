"""Pictures of a terminal that take the place of one another without a flicker."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from vcycle.core.table import cut

HOME = "\x1b[H"
_LINE_END = "\x1b[K\n"
_BELOW = "\x1b[J"
_USUAL = os.terminal_size((80, 24))


def screen_size() -> os.terminal_size:
    """Of the terminal that is written to, and a usual one's if it does not say."""
    found = shutil.get_terminal_size(_USUAL)
    # Some terminals say that they have no lines, which Python knows since 3.11.
    return os.terminal_size((found.columns or _USUAL.columns, found.lines or _USUAL.lines))


def frame(text: str, below: Sequence[str], width: int, height: int) -> str:
    """
    The whole screen: as many lines of the text as there is room for, and then those ``below``.

    Lines of the text fit already; the last line of the screen stays free.
    """
    lines, last = text.splitlines(), [cut(line.rstrip("\n"), width) for line in below]
    last = last[: max(0, height // 2)]
    room = max(1, height - 1 - len(last))
    if len(lines) > room:
        # The text's own last line says how much there is of what is left out.
        hidden = len(lines) - room + 1
        kept = [*lines[: max(0, room - 2)], cut(f"({hidden} more lines)", width), lines[-1]]
        lines = kept[-room:]
    return HOME + "".join(f"{line}{_LINE_END}" for line in [*lines, *last]) + _BELOW
