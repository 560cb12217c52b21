"""Which images machines live on, by the records on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from vcycle.store.atomic import told
from vcycle.store.layout import FINISHED, LEFTOVER, MACHINES, Unreadable, read_record


def images_in_use(state_dir: str) -> Mapping[str, tuple[str, ...]] | None:
    """
    The names of the machines of all spaces that are not over, by the paths of their images; None
    if a machine's record cannot be read, so that this is not known. Blocks.

    An intent counts, as a machine may be made of it at any moment.

    :raises StoreError: the directories cannot be read.
    """
    found: dict[str, list[str]] = {}
    with told(state_dir):
        for directory in _machines(os.path.join(state_dir, "spaces")):
            if os.path.lexists(os.path.join(directory, FINISHED)):
                continue
            try:
                record = read_record(directory)
            except FileNotFoundError:
                continue  # it is being made, or removed: it has no image yet, or no more
            except Unreadable:
                return None
            if record.image is not None and record.ended_at is None:
                found.setdefault(record.image, []).append(record.name)
    return {path: tuple(sorted(names)) for path, names in found.items()}


def _machines(spaces: str) -> Iterator[str]:
    for space in _names(spaces):
        machines = os.path.join(spaces, space, MACHINES)
        for name in _names(machines):
            directory = os.path.join(machines, name)
            if os.path.isdir(directory):
                yield directory


def _names(path: str) -> list[str]:
    try:
        return [name for name in os.listdir(path) if not name.startswith(LEFTOVER)]
    except (FileNotFoundError, NotADirectoryError):
        return []
