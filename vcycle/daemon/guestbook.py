"""Which machine is calling, and what it may see: the guests' side of what the daemon knows."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Mapping, Set
from typing import IO, Protocol

from attrs import define, field
from zope.interface import implementer

from vcycle.core.errors import StoreError
from vcycle.core.features import features
from vcycle.core.machine import Record, Traces
from vcycle.interfaces import IGuestBook


class Desk(Protocol):
    """What the guest book asks of the space that a machine belongs to."""

    def record(self, uuid: str) -> Record | None: ...

    def machinefeatures(self) -> Mapping[str, str]: ...

    def public_key(self, machinetype: str) -> str | None: ...

    def heartbeats(self, machinetype: str) -> bytes: ...

    def read(self, record: Record, name: str) -> Awaitable[bytes | None]: ...

    def put(self, record: Record, name: str, body: IO[bytes]) -> Awaitable[Traces]: ...


class NoSuchMachine(StoreError):
    """A machine that is over has nothing to see, and no place for outputs."""


@implementer(IGuestBook)
@define
class GuestBook:
    """
    All living machines of one provider, over all its spaces.

    A machine is admitted when its intent is on disk, before it can call, and dismissed when
    it is over.
    """

    # Of texts alone: a container for each machine is one more thing to walk for the garbage
    # collector, which stops everything else.
    _by_secret: dict[str, str] = field(factory=dict)
    _by_address: dict[str, str] = field(factory=dict)
    _desks: dict[str, Desk] = field(factory=dict)

    def admit(self, record: Record, desk: Desk) -> None:
        """From now on the machine is known."""
        self._desks[record.uuid] = desk
        self._by_secret[record.secret] = record.uuid
        if record.address is not None:
            self._by_address[record.address] = record.uuid

    def dismiss(self, record: Record) -> None:
        """The machine is over: its address and secret mean nothing any more."""
        self._desks.pop(record.uuid, None)
        self._by_secret.pop(record.secret, None)
        address = record.address
        if address is not None and self._by_address.get(address) == record.uuid:
            del self._by_address[address]

    @property
    def inhabited(self) -> bool:
        """Whether there is any living machine."""
        return bool(self._desks)

    def knows(self, uuid: str) -> bool:
        """Whether a machine of that uuid lives here."""
        return uuid in self._desks

    def addresses(self) -> Set[str]:
        """All addresses in use, now and later: nothing is copied."""
        return self._by_address.keys()

    def by_address(self, address: str) -> Record | None:
        """The living machine that has this network address."""
        return self._record(self._by_address.get(address))

    def by_secret(self, secret: str) -> Record | None:
        """
        The living machine whose secret this is.

        The dictionary's own comparison ends at the first difference of a hash that the caller
        cannot choose; the secrets themselves are compared in constant time.
        """
        record = self._record(self._by_secret.get(secret))
        if record is None or not hmac.compare_digest(record.secret.encode(), secret.encode()):
            return None
        return record

    async def user_data(self, record: Record) -> bytes | None:
        """The machine's user_data as it was written for it."""
        return await self._desk(record).read(record, "user_data")

    def public_key(self, record: Record) -> str | None:
        """The ssh public key offered to the machine."""
        return self._desk(record).public_key(record.machinetype)

    def features(self, record: Record) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Machine features and job features as they are now."""
        options = self._desk(record).machinefeatures()
        return features(record, options, shutdown_time=record.shutdown_time)

    def heartbeats(self, record: Record) -> bytes:
        """The machines of its machinetype that beat."""
        return self._desk(record).heartbeats(record.machinetype)

    async def put(self, record: Record, name: str, body: IO[bytes]) -> None:
        """Keep one job output."""
        await self._desk(record).put(record, name, body)

    def _record(self, uuid: str | None) -> Record | None:
        return None if uuid is None else self._desks[uuid].record(uuid)

    def _desk(self, record: Record) -> Desk:
        """:raises NoSuchMachine: the machine was dismissed while it was calling."""
        uuid = self._by_secret.get(record.secret)
        if uuid is None:
            raise NoSuchMachine(f"{record.name}: the machine {record.uuid} is over")
        return self._desks[uuid]
