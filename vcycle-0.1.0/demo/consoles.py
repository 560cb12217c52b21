"""What the guests say on their serial consoles, as they say it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from attrs import define, field

# What is read of one console at a time, and what is shown of one line.
PIECE, WIDTH = 16384, 100
# The guest's first process, and the kernel, each with the time in front.
_SYSTEM = re.compile(r"guest \d+\.\d+ |\[ *\d+\.\d+\]")


@define
class Consoles:
    """The consoles of all machines below a daemon's ``state_dir``."""

    _state_dir: Path
    _read: dict[Path, int] = field(factory=dict, init=False)

    def said(self) -> Iterator[tuple[str, str]]:
        """Machine and line, for each whole line of user_data's since the last call."""
        for path in sorted(self._state_dir.glob("spaces/*/machines/*/console.log")):
            # <requested>_<machinetype>_<name>
            _, machinetype, name = path.parent.name.split("_", 2)
            for line in self._lines(path):
                if shown(line):
                    yield f"{name.partition('.')[0]} ({machinetype})", line[:WIDTH]

    def _lines(self, path: Path) -> list[str]:
        start = self._read.get(path, 0)
        try:
            with path.open("rb") as console:
                console.seek(start)
                piece = console.read(PIECE)
        except OSError:
            return []
        whole = piece[: piece.rfind(b"\n") + 1] if len(piece) < PIECE else piece
        self._read[path] = start + len(whole)
        text = whole.decode("utf-8", "replace")
        return ["".join(c for c in line if c.isprintable()) for line in text.splitlines()]


def shown(line: str) -> bool:
    """Whether user_data wrote a line, and not the kernel or the guest's first process."""
    return bool(line.strip()) and _SYSTEM.match(line) is None
