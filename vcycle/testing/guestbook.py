"""A guest book in memory, held to the same contract as the daemon's own."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Mapping
from typing import IO, Callable

from attrs import Factory, define
from zope.interface import implementer

from vcycle.core.errors import StoreError
from vcycle.core.features import features
from vcycle.core.heartbeats import Heartbeat, listing
from vcycle.core.machine import Record
from vcycle.core.quota import Quota, excess, refused_name
from vcycle.interfaces import IGuestBook


@implementer(IGuestBook)
@define
class MemoryGuestBook:
    """
    Tests may edit everything; outputs are by uuid and name, and ``options`` are
    ``machinefeatures_option_``; ``beaten`` has the times of heartbeats by uuid. ``pause``, if set,
    is awaited before an output is kept; ``broken`` is raised.
    """

    records: dict[str, Record] = Factory(dict)
    templates: dict[str, bytes] = Factory(dict)
    outputs: dict[str, dict[str, bytes]] = Factory(dict)
    key: str | None = None
    beaten: dict[str, float] = Factory(dict)
    options: dict[str, str] = Factory(dict)
    quota: Quota = Factory(Quota)
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
        return features(record, self.options, shutdown_time=record.shutdown_time)

    def heartbeats(self, record: Record) -> bytes:
        like = (one for one in self.records.values() if one.machinetype == record.machinetype)
        return listing(
            Heartbeat(self.beaten[one.uuid], one.name, one.address)
            for one in like
            if one.uuid in self.beaten and one.address is not None
        )

    async def put(self, record: Record, name: str, body: IO[bytes]) -> None:
        self._check()
        if self.pause is not None:
            await self.pause()
        kept = self.outputs.setdefault(record.uuid, {})
        content = body.read()
        sizes = {key: len(old) for key, old in kept.items()}
        refusal = refused_name(name) or excess(self.quota, name, len(content), sizes)
        if refusal is not None:
            raise StoreError(refusal)
        kept[name] = content

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken
