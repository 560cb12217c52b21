"""All machines of a space, as they are read when the daemon starts."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from contextlib import suppress

from attrs import define, field

from vcycle.core.machine import Record, Traces
from vcycle.core.messages import MAX_BODY, NAME, parse
from vcycle.store.atomic import Step
from vcycle.store.layout import (
    DAMAGED,
    FINISHED,
    LEFTOVER,
    MACHINES,
    OUTPUTS,
    Unreadable,
    read_bounded,
    read_record,
)

_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR, errno.EAGAIN})


def read_traces(directory: str, record: Record) -> Traces:
    """What the machine left in its outputs; what cannot be read counts as not there."""
    outputs = os.path.join(directory, OUTPUTS)
    heartbeat_at = message = message_at = None
    if record.limits.heartbeat_file is not None:
        heartbeat_at = _written_at(os.path.join(outputs, record.limits.heartbeat_file))
    path = os.path.join(outputs, NAME)
    written_at = _written_at(path)
    if written_at is not None:
        with suppress(OSError, Unreadable):
            message = parse(read_bounded(path, MAX_BODY))
            message_at = None if message is None else written_at
    return Traces(heartbeat_at=heartbeat_at, message=message, message_at=message_at)


def _written_at(path: str) -> float | None:
    try:
        found = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return found.st_mtime if stat.S_ISREG(found.st_mode) else None


@define(eq=False)
class Reading:
    """
    One pass over the directories of a space's machines; leftovers are removed on the way.

    Damage to one machine's files is collected, and never ends the pass.
    """

    root: str
    space: str
    step: Step
    records: list[Record] = field(factory=list)
    traces: dict[str, Traces] = field(factory=dict)
    damaged: list[str] = field(factory=list)

    def read_all(self) -> None:
        """:raises OSError: the pass cannot be made now."""
        machines = os.path.join(self.root, MACHINES)
        for name in sorted(os.listdir(machines)):
            self._read_one(os.path.join(machines, name), name)

    def _read_one(self, directory: str, name: str) -> None:
        try:
            if name.startswith(LEFTOVER):
                self._remove(directory)
            elif not stat.S_ISDIR(os.stat(directory, follow_symlinks=False).st_mode):
                self.damaged.append(f"{directory} is not a directory; take it away")
            elif not os.path.lexists(os.path.join(directory, FINISHED)):
                self._read_machine(directory)
        except Unreadable as error:
            self._set_aside(directory, str(error))
        except OSError as error:
            if error.errno in _PASSING:
                raise
            self.damaged.append(f"{error.filename or directory}: {error.strerror}; left there")

    def _read_machine(self, directory: str) -> None:
        leftovers, names = _sorted_out(directory)
        try:
            record = read_record(directory)
        except FileNotFoundError:
            if names:
                raise Unreadable(f"{directory}: no record, but {', '.join(names[:5])}") from None
            # The intent was not finished, so nothing was ever asked of a provider.
            self._remove(directory)
            return
        if record.space != self.space:
            raise Unreadable(f"{directory}: its record is of space {record.space}")
        if record.uuid in self.traces:
            raise Unreadable(f"{directory}: another machine has its uuid {record.uuid}")
        if OUTPUTS in names:
            outputs = os.path.join(directory, OUTPUTS)
            leftovers += _sorted_out(outputs)[0]
        for path in leftovers:
            self.step("remove", path)
            os.unlink(path)
        if record.ended_at is not None:
            mark_finished(directory, self.step)
            return
        self.traces[record.uuid] = read_traces(directory, record)
        self.records.append(record)

    def _set_aside(self, directory: str, why: str) -> None:
        name = os.path.basename(directory)
        aside = os.path.join(self.root, DAMAGED, name)
        serial = 0
        while os.path.lexists(aside):
            serial += 1
            aside = os.path.join(self.root, DAMAGED, f"{name}.{serial}")
        try:
            self.step("rename", directory)
            os.makedirs(os.path.dirname(aside), mode=0o700, exist_ok=True)
            os.rename(directory, aside)
        except OSError as error:
            self.damaged.append(f"{why}; could not be moved to {aside}: {error.strerror}")
        else:
            self.damaged.append(f"{why}; moved to {aside}")

    def _remove(self, directory: str) -> None:
        self.step("remove", directory)
        if os.path.isdir(directory) and not os.path.islink(directory):
            shutil.rmtree(directory)
        else:
            os.unlink(directory)


def mark_finished(directory: str, step: Step) -> None:
    """Spare the next start the reading of a record that says that its machine has ended."""
    path = os.path.join(directory, FINISHED)
    step("write", path)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644))


def _sorted_out(directory: str) -> tuple[list[str], list[str]]:
    """The paths of half-written files, and the names of all others."""
    leftovers, names = [], []
    for name in os.listdir(directory):
        if name.startswith(LEFTOVER):
            leftovers.append(os.path.join(directory, name))
        else:
            names.append(name)
    return leftovers, sorted(names)
