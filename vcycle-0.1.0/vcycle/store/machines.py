"""The machines of one space on disk: ``<state_dir>/spaces/<space>/machines/<machine>/``."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import IO, Callable, TypeVar

from attrs import Factory, define, field
from zope.interface import implementer

from vcycle.core.errors import CallTimedOut, StoreError
from vcycle.core.machine import Record, Traces
from vcycle.core.quota import Quota
from vcycle.core.recordtext import encode
from vcycle.interfaces import Contents, IMachineStore, RunInThread
from vcycle.store.atomic import (
    DIRECTORY,
    PUBLIC,
    Batch,
    Step,
    make_directory,
    quietly,
    sync_directory,
    told,
    write_file,
)
from vcycle.store.jsonfile import read_object, set_aside, write_object
from vcycle.store.layout import (
    COUNTS,
    FINISHED,
    HISTORY,
    LEFTOVER,
    MACHINES,
    OUTPUTS,
    RECORD,
    Unreadable,
    absolute,
    read_bounded,
    read_record,
    refuse_unsafe,
)
from vcycle.store.outputs import Outputs
from vcycle.store.pruning import Held, prune
from vcycle.store.reading import Reading, mark_finished

R = TypeVar("R")
MAX_FILE = 1 << 24


@implementer(IMachineStore)
@define(eq=False)
class MachineStore:
    """
    Keeps what IMachineStore promises below one directory.

    ``in_thread`` runs all that touches the disk. ``step`` is told before each change of the
    disk, in that thread; what it raises ends the work there, as a crash would.
    """

    state_dir: str = field(converter=absolute)
    space: str
    in_thread: RunInThread
    quota: Quota = Factory(Quota)
    step: Step = quietly
    _held: dict[str, Held] = field(factory=dict, init=False)
    _turns: Iterator[int] = field(factory=itertools.count, init=False)
    _latest: dict[str, int] = field(factory=dict, init=False)
    _lock: Lock = field(factory=Lock, init=False)
    _outputs: Outputs = field(init=False)

    def __attrs_post_init__(self) -> None:
        refuse_unsafe(self.space, "space")
        self._outputs = Outputs(self.quota, self.step)

    @property
    def root(self) -> str:
        """The directory of the space."""
        return os.path.join(self.state_dir, "spaces", self.space)

    async def open(self) -> Contents:
        return await self._run(self._open)

    async def save(self, records: Sequence[Record]) -> None:
        # A thread that was written off may wake up late: its turn is then over.
        turn, wanted = next(self._turns), tuple(records)
        if wanted:
            await self._run(lambda: self._save(wanted, turn))

    async def write(self, record: Record, files: Mapping[str, bytes]) -> None:
        wanted = dict(files)
        for name in wanted:
            refuse_unsafe(name, "file")
            if name in (RECORD, FINISHED, OUTPUTS):
                raise StoreError(f"{self.path(record, name)} is the store's own; use another name")

        def write() -> None:
            with told(self.path(record, "")), Batch(step=self.step) as batch:
                for name, data in wanted.items():
                    batch.add(self.path(record, name), data)
                batch.commit()

        await self._run(write)

    async def read(self, record: Record, name: str) -> bytes | None:
        refuse_unsafe(name, "file")
        path = self.path(record, name)

        def read() -> bytes | None:
            try:
                data = read_bounded(path, MAX_FILE + 1)
            except FileNotFoundError:
                return None
            except Unreadable as error:
                raise StoreError(f"{error}; take it away") from None
            if len(data) > MAX_FILE:
                raise StoreError(f"{path}: larger than {MAX_FILE} bytes; take it away")
            return data

        return await self._run(read)

    async def put(self, record: Record, name: str, body: IO[bytes], now: float) -> Traces:
        directory = self._directory(record)
        return await self._run(lambda: self._outputs.put(directory, record, name, body, now))

    def path(self, record: Record, name: str) -> str:
        return os.path.join(self._directory(record), name)

    async def history(self) -> Mapping[str, object]:
        return await self._run(lambda: self._history()[0])

    async def remember(self, history: Mapping[str, object]) -> None:
        kept, path = dict(history), os.path.join(self.root, HISTORY)
        await self._run(lambda: write_object(path, kept, self.step))

    async def prune(self, now: float) -> Sequence[str]:
        machines = os.path.join(self.root, MACHINES)
        gone = await self._run(lambda: prune(machines, self._held, now, self.step))
        for name in gone:
            self._latest.pop(name, None)
        return gone

    async def beat(self, kind: str, now: float) -> None:
        refuse_unsafe(kind, "heartbeat")
        await self._show(f"{kind}-heartbeat", f"{int(now)}\n")

    async def count(self, text: str) -> None:
        await self._show(COUNTS, text)

    def _directory(self, record: Record) -> str:
        return os.path.join(self.root, MACHINES, record.directory)

    async def _show(self, name: str, text: str) -> None:
        # Read by others while we live; after a crash of the host it says nothing.
        path, data = os.path.join(self.root, name), text.encode("utf-8", "replace")
        await self._run(lambda: write_file(path, data, PUBLIC, durable=False, step=self.step))

    async def _run(self, work: Callable[[], R]) -> R:
        def guarded() -> R:
            with told(self.root):
                return work()

        try:
            return await self.in_thread(guarded)
        except CallTimedOut as error:
            raise StoreError(
                f"{self.root}: the disk did not answer in time, and may yet do what was asked;"
                " see the kernel's log"
            ) from error

    def _open(self) -> Contents:
        make_directory(os.path.join(self.root, MACHINES), self.step)
        for name in os.listdir(self.root):
            if name.startswith(LEFTOVER):
                self.step("remove", os.path.join(self.root, name))
                os.unlink(os.path.join(self.root, name))
        reading = Reading(self.root, self.space, self.step)
        reading.read_all()
        damage = self._history()[1]
        if damage:
            reading.damaged.append(damage)
        self._held.clear()
        self._held.update((record.directory, Held(record.uuid)) for record in reading.records)
        return Contents(
            records=tuple(reading.records),
            traces=reading.traces,
            damaged=tuple(reading.damaged),
        )

    def _history(self) -> tuple[Mapping[str, object], str]:
        path = os.path.join(self.root, HISTORY)
        try:
            return read_object(path), ""
        except Unreadable as error:
            self.step("rename", path)
            return {}, f"{error}; moved to {set_aside(path)}"

    def _save(self, records: Sequence[Record], turn: int) -> None:
        made: list[str] = []
        try:
            with Batch(step=self.step, rename=partial(self._rename, turn)) as batch:
                for record in records:
                    self._claim(record, made)
                    batch.add(self.path(record, RECORD), _text(record))
                if made:
                    sync_directory(os.path.join(self.root, MACHINES))
                batch.commit()
        except BaseException:
            for directory in made:
                # One that holds its record already is an intent, and stays.
                with suppress(OSError):
                    self.step("remove", directory)
                    os.rmdir(directory)
            raise
        for record in records:
            held = self._held.setdefault(record.directory, Held(record.uuid))
            held.note(record)
            if record.ended_at is not None:
                mark_finished(self._directory(record), self.step)

    def _claim(self, record: Record, made: list[str]) -> None:
        held = self._held.get(record.directory)
        directory = self._directory(record)
        uuid = None if held is None else held.uuid
        if uuid is None:
            self.step("make", directory)
            try:
                os.mkdir(directory)
                made.append(directory)
                os.chmod(directory, DIRECTORY)
            except FileExistsError:
                with suppress(FileNotFoundError):
                    uuid = _owner(directory)
        if uuid not in (None, record.uuid):
            raise StoreError(
                f"{directory} is that of machine {uuid}, not of {record.uuid};"
                " ask for the machine a second later"
            )
        if record.ended_at is None and (held is None or held.expires_at is not None):
            # It was given up too early: the marker goes first, since the record is the truth.
            with suppress(FileNotFoundError):
                self.step("remove", directory)
                os.unlink(os.path.join(directory, FINISHED))

    def _rename(self, turn: int, temp: str, path: str) -> None:
        name = os.path.basename(os.path.dirname(path))
        with self._lock:
            if self._latest.get(name, -1) > turn:
                os.unlink(temp)
            else:
                os.replace(temp, path)
                self._latest[name] = turn


def _text(record: Record) -> bytes:
    try:
        return encode(record).encode("ascii")
    except ValueError as error:
        raise StoreError(f"{record.name}: cannot be written down: {error}") from None


def _owner(directory: str) -> str:
    try:
        return read_record(directory).uuid
    except Unreadable as error:
        raise StoreError(f"{error}; take the directory away") from None
