"""A store in memory, held to the same contract as the one on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import IO, Callable

from attrs import Factory, define
from zope.interface import implementer

from vcycle.core.errors import StoreError
from vcycle.core.machine import Record, Traces
from vcycle.core.messages import NAME, parse
from vcycle.core.quota import Quota, excess, refused_name
from vcycle.interfaces import Contents, IMachineStore

DAY = 86400


class Killed(BaseException):
    """The daemon ends here: whatever was not on the disk is lost."""


@define
class Disk:
    """
    What is durable of one space; it outlives the stores that are opened on it.

    All but ``history`` and ``shown`` (heartbeats and counts) is by the directory's name.
    While ``full`` is set nothing can be written; removing goes on.
    """

    records: dict[str, Record] = Factory(dict)
    files: dict[str, dict[str, bytes]] = Factory(dict)
    outputs: dict[str, dict[str, tuple[bytes, float]]] = Factory(dict)
    history: Mapping[str, object] = Factory(dict)
    shown: dict[str, str] = Factory(dict)
    full: bool = False


@implementer(IMachineStore)
@define(eq=False)
class MemoryStore:
    """
    ``on_write(step, what)`` is called before and after each durable write, steps counted from 1.

    If it raises Killed, before or after the write, this store does nothing any more; a
    StoreError from it is a disk that fails just once.
    """

    space: str
    disk: Disk = Factory(Disk)
    quota: Quota = Factory(Quota)
    on_write: Callable[[int, str], None] | None = None
    step: int = 0
    dead: bool = False

    async def open(self) -> Contents:
        self._check_alive()
        living = tuple(r for r in self.disk.records.values() if r.ended_at is None)
        return Contents(
            records=living, traces={r.uuid: self._traces(r) for r in living}, damaged=()
        )

    async def save(self, records: Sequence[Record]) -> None:
        self._check_writable()
        kept = self.disk.records
        for record in records:
            found = kept.get(record.directory)
            if found is not None and found.uuid != record.uuid:
                raise StoreError(f"{self.path(record, '')} is that of machine {found.uuid}")
        for record in records:
            self._tell("save")
            kept[record.directory] = record
            self._tell("save")

    async def write(self, record: Record, files: Mapping[str, bytes]) -> None:
        self._check_writable()
        self._check_known(record)
        for name in files:
            _check_name(name)
        self._tell("write")
        self.disk.files.setdefault(record.directory, {}).update(files)
        self._tell("write")

    async def read(self, record: Record, name: str) -> bytes | None:
        self._check_alive()
        _check_name(name)
        return self.disk.files.get(record.directory, {}).get(name)

    async def put(self, record: Record, name: str, body: IO[bytes], now: float) -> Traces:
        self._check_writable()
        self._check_known(record)
        data = body.read(self.quota.file_bytes + 1)
        kept = self.disk.outputs.get(record.directory, {})
        sizes = {other: len(content) for other, (content, _) in kept.items()}
        refusal = refused_name(name) or excess(self.quota, name, len(data), sizes)
        if refusal is not None:
            raise StoreError(f"{record.name}: {refusal}")
        self._tell("put")
        self.disk.outputs.setdefault(record.directory, {})[name] = (data, now)
        self._tell("put")
        return self._traces(record)

    def path(self, record: Record, name: str) -> str:
        return f"/memory/spaces/{self.space}/machines/{record.directory}/{name}"

    async def history(self) -> Mapping[str, object]:
        self._check_alive()
        return dict(self.disk.history)

    async def remember(self, history: Mapping[str, object]) -> None:
        self._check_writable()
        self._tell("remember")
        self.disk.history = dict(history)
        self._tell("remember")

    async def prune(self, now: float) -> Sequence[str]:
        self._check_alive()
        gone = sorted(name for name, r in self.disk.records.items() if _expired(r, now))
        for name in gone:
            self._tell("prune")
            del self.disk.records[name]
            self.disk.files.pop(name, None)
            self.disk.outputs.pop(name, None)
            self._tell("prune")
        return tuple(gone)

    async def beat(self, kind: str, now: float) -> None:
        await self._show(f"{kind}-heartbeat", f"{int(now)}\n")

    async def count(self, text: str) -> None:
        await self._show("counts", text)

    async def _show(self, name: str, text: str) -> None:
        self._check_writable()
        self._tell(name)
        self.disk.shown[name] = text
        self._tell(name)

    def _traces(self, record: Record) -> Traces:
        kept = self.disk.outputs.get(record.directory)
        if not kept:
            return Traces()
        beat = kept.get(record.limits.heartbeat_file or "")
        last = kept.get(NAME)
        message = None if last is None else parse(last[0])
        return Traces(
            heartbeat_at=None if beat is None else beat[1],
            message=message,
            message_at=None if last is None or message is None else last[1],
        )

    def _tell(self, what: str) -> None:
        self._check_alive()
        self.step += 1
        if self.on_write is not None:
            try:
                self.on_write(self.step, what)
            except Killed:
                self.dead = True
                raise

    def _check_alive(self) -> None:
        if self.dead:
            raise Killed

    def _check_writable(self) -> None:
        self._check_alive()
        if self.disk.full:
            raise StoreError(f"/memory/spaces/{self.space}: the disk is full: make room")

    def _check_known(self, record: Record) -> None:
        if record.directory not in self.disk.records:
            raise StoreError(f"{self.path(record, '')}: no such directory; save the record first")


def _check_name(name: str) -> None:
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise StoreError(f"file {name!r} cannot be the name of a file; choose another name")


def _expired(record: Record, now: float) -> bool:
    if record.ended_at is None or record.keep_days <= 0:
        return False
    return record.ended_at + record.keep_days * DAY <= now
