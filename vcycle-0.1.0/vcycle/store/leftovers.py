"""Files below the state directory that belong to no machine any more."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from vcycle.core.disks import DISK_FILES
from vcycle.store.layout import DAMAGED, LEFTOVER, MACHINES

MOST = 1000
"""Leftovers that are named; whoever has more learns nothing new from the rest."""


def leftovers(state_dir: str, living: Mapping[str, frozenset[str]]) -> list[dict[str, object]]:
    """
    Disks of machines that are over, damaged directories, and spaces that nobody runs. Blocks.

    ``living`` has for each space that runs the names of its living machines' directories.
    """
    found: list[dict[str, object]] = []
    for each in _all(os.path.join(state_dir, "spaces"), living):
        found.append(each)
        if len(found) >= MOST:
            break
    return found


def _all(spaces: str, living: Mapping[str, frozenset[str]]) -> Iterator[dict[str, object]]:
    for space in _names(spaces):
        of = living.get(space)
        machines = os.path.join(spaces, space, MACHINES)
        for name in _names(machines):
            if of is not None and name in of:
                continue
            for disk in DISK_FILES:
                path = os.path.join(machines, name, disk)
                size = _size(path)
                if size is not None:
                    why = "disk of a machine that is over or unknown"
                    yield _told(
                        "disk", path, why if of is not None else "disk of another space", size
                    )
        for name in _names(os.path.join(spaces, space, DAMAGED)):
            path = os.path.join(spaces, space, DAMAGED, name)
            yield _told("directory", path, "its record could not be read", None)
        if of is None:
            path = os.path.join(spaces, space)
            yield _told("space", path, "no such space is configured", None)


def _told(kind: str, path: str, why: str, size: int | None) -> dict[str, object]:
    return {"kind": kind, "what": path, "why": why, "bytes": size}


def _names(path: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(path) if not name.startswith(LEFTOVER))
    except OSError:
        return []


def _size(path: str) -> int | None:
    """Bytes that a file takes on the disk, which of a sparse one are fewer than its length."""
    try:
        return os.lstat(path).st_blocks * 512
    except OSError:
        return None
