"""Machines that are over, found again for as long as their directories are kept. All blocks."""

from __future__ import annotations

import os
from contextlib import suppress
from uuid import UUID

from attrs import field, frozen

from vcycle.core.errors import StoreError
from vcycle.core.machine import Record, Traces
from vcycle.core.recordtext import MAX_TEXT
from vcycle.store.atomic import told
from vcycle.store.layout import (
    LEFTOVER,
    MACHINES,
    RECORD,
    Unreadable,
    absolute,
    read_bounded,
    read_record,
)
from vcycle.store.reading import read_traces

MOST = 10_000
"""Records that are looked into for one question, those of the newest machines first."""


def names_of(record: Record) -> tuple[str, str, str]:
    """All that a machine may be called by: its name, the first label of that, and its uuid."""
    return record.name, record.name.partition(".")[0], record.uuid


@frozen
class Ended:
    """The machines below one state directory that are over; ``most`` are looked into at once."""

    state_dir: str = field(converter=absolute)
    most: int = MOST

    def find(self, space: str, name: str) -> Record | None:
        """
        The newest machine of a space that is over and is called so.

        :raises StoreError: the disk says no, or there are more machines than are looked into.
        """
        machines = os.path.join(self.state_dir, "spaces", space, MACHINES)
        with told(machines):
            try:
                there = sorted(os.listdir(machines), key=_born, reverse=True)
            except FileNotFoundError:
                return None
            named = [each for each in there if _may_be(each, name)]
            wanted, of_it = (there, name.encode()) if _is_uuid(name) else (named, b"")
            for directory in wanted[: self.most]:
                record = _read(os.path.join(machines, directory), of_it)
                if record is not None and record.space == space and name in names_of(record):
                    return record
        if len(wanted) > self.most:
            raise StoreError(
                f"{name!r} is none of the newest {self.most} machines of {space}; look for it in"
                f" {machines}"
            )
        return None

    def traces(self, record: Record) -> Traces:
        """What a machine left in its outputs, if they are kept."""
        machines = os.path.join(self.state_dir, "spaces", record.space, MACHINES)
        return read_traces(os.path.join(machines, record.directory), record)


def _born(directory: str) -> int:
    born = directory.partition("_")[0]
    return int(born) if born.isascii() and born.isdigit() and len(born) < 20 else -1


def _may_be(directory: str, name: str) -> bool:
    return directory.endswith(f"_{name}") or f"_{name}." in directory


def _is_uuid(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def _read(directory: str, of_it: bytes) -> Record | None:
    """The record of a machine that is over, if it is one with these bytes in it."""
    if os.path.basename(directory).startswith(LEFTOVER):
        return None
    with suppress(OSError, Unreadable):
        if of_it in read_bounded(os.path.join(directory, RECORD), MAX_TEXT):
            record = read_record(directory)
            return None if record.ended_at is None else record
    return None
