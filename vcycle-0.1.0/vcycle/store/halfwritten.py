"""Files that were begun beside their places and never put there. Blocks: call it in a thread."""

from __future__ import annotations

import os
from collections.abc import Iterator

from vcycle.store.layout import LEFTOVER

OLD_SECONDS = 3600.0
"""A file that is half written for so long will never be whole."""

MOST = 10_000
"""Entries of one directory that are looked at."""


def half_written(state_dir: str, now: float) -> int:
    """How many there are at ``now`` (Unix seconds), in the state directory and its spaces'."""
    spaces = [entry.path for entry in _entries(os.path.join(state_dir, "spaces"))]
    return sum(_old(directory, now) for directory in (state_dir, *spaces))


def _old(directory: str, now: float) -> int:
    return sum(
        1
        for entry in _entries(directory)
        if entry.name.startswith(LEFTOVER) and now - _changed(entry) > OLD_SECONDS
    )


def _changed(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except OSError:
        # It went meanwhile.
        return float("inf")


def _entries(directory: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as found:
            for number, entry in enumerate(found):
                if number >= MOST:
                    return
                yield entry
    except OSError:
        return
