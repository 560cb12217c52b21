"""A guest book in memory, held to the same contract as the daemon's own."""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Mapping
from typing import IO, Callable

from attrs import Factory, define
from zope.interface import implementer

from vcycle.core.errors import StoreError
from vcycle.core.machine import Record
from vcycle.interfaces import IGuestBook

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}", re.ASCII)


@implementer(IGuestBook)
@define
class MemoryGuestBook:
    """
    Tests may edit everything; outputs are by uuid and name, and ``quota`` is in bytes for
    each machine. ``pause``, if set, is awaited before an output is kept; ``broken`` is raised.
    """

    records: dict[str, Record] = Factory(dict)
    templates: dict[str, bytes] = Factory(dict)
    outputs: dict[str, dict[str, bytes]] = Factory(dict)
    key: str | None = None
    machinefeatures: dict[str, str] = Factory(dict)
    jobfeatures: dict[str, str] = Factory(dict)
    quota: int = 1000000
    pause: Callable[[], Awaitable[None]] | None = None
    broken: Exception | None = None

    def by_address(self, address: str) -> Record | None:
        self._check()
        return next((r for r in self.records.values() if r.address == address), None)

    def by_secret(self, secret: str) -> Record | None:
        self._check()
        found = None
        for record in self.records.values():
            if hmac.compare_digest(record.secret.encode(), secret.encode()):
                found = record
        return found

    async def user_data(self, record: Record) -> bytes | None:
        self._check()
        return self.templates.get(record.uuid)

    def public_key(self, record: Record) -> str | None:
        return self.key

    def features(self, record: Record) -> tuple[Mapping[str, str], Mapping[str, str]]:
        return self.machinefeatures, self.jobfeatures

    async def put(self, record: Record, name: str, body: IO[bytes]) -> None:
        self._check()
        if self.pause is not None:
            await self.pause()
        if not _NAME.fullmatch(name):
            raise StoreError(f"{name!r} is no name for an output")
        kept = self.outputs.setdefault(record.uuid, {})
        content = body.read()
        if sum(len(old) for key, old in kept.items() if key != name) + len(content) > self.quota:
            raise StoreError(f"{name} is over the quota of {self.quota} bytes")
        kept[name] = content

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken
