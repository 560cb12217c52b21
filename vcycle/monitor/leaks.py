"""Files in the state directory that nobody owns any more. Blocks: call it in a thread."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping

from vcycle.core.disks import DISK_FILES

OLD_SECONDS = 3600.0
"""A file that is half written for so long will never be whole."""

MOST = 100_000
"""Entries of one directory that are looked at."""


def leftovers(state_dir: str, living: Collection[str], now: float) -> Mapping[str, int]:
    """
    How many there are by kind at ``now``: disks of machines that are over, half-written files,
    and directories that were set aside as damaged.

    ``living`` are the names of the directories of machines that are not over.
    """
    counts = {"disks": 0, "files": 0, "damaged": 0}
    counts["files"] += _old_temporaries(state_dir, now)
    for space in _entries(os.path.join(state_dir, "spaces")):
        counts["files"] += _old_temporaries(space.path, now)
        counts["damaged"] += sum(1 for _ in _entries(os.path.join(space.path, "machines-damaged")))
        for machine in _entries(os.path.join(space.path, "machines")):
            if machine.name not in living and not machine.name.startswith("."):
                names = (os.path.join(machine.path, name) for name in DISK_FILES)
                counts["disks"] += sum(os.path.lexists(name) for name in names)
    return counts


def _old_temporaries(directory: str, now: float) -> int:
    return sum(
        1
        for entry in _entries(directory)
        if entry.name.startswith(".") and now - _changed(entry) > OLD_SECONDS
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
