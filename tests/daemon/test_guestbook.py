"""The daemon's guest book keeps what IGuestBook promises, over a small desk."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import IO

from attrs import Factory, define
from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.guestbook import FILE_BYTES, KEY, USER_DATA, GuestBookContract
from tests.core.values import record
from vcycle.core.heartbeats import Heartbeat, listing
from vcycle.core.machine import Record, Traces
from vcycle.core.quota import Quota
from vcycle.daemon.guestbook import GuestBook, NoSuchMachine
from vcycle.testing.store import MemoryStore


@define
class SmallDesk:
    """A space with a store, and nothing behind it."""

    store: MemoryStore = Factory(
        lambda: MemoryStore("vac01.example.com", quota=Quota(file_bytes=FILE_BYTES))
    )
    records: dict[str, Record] = Factory(dict)
    beats: dict[str, Heartbeat] = Factory(dict)

    def record(self, uuid: str) -> Record | None:
        return self.records.get(uuid)

    def machinefeatures(self) -> Mapping[str, str]:
        return {"colour": "blue"}

    def public_key(self, machinetype: str) -> str | None:
        return KEY if machinetype == "pilot" else None

    def heartbeats(self, machinetype: str) -> bytes:
        return listing(self.beats.values()) if machinetype == "pilot" else b""

    async def read(self, record: Record, name: str) -> bytes | None:
        return await self.store.read(record, name)

    async def put(self, record: Record, name: str, body: IO[bytes]) -> Traces:
        return await self.store.put(record, name, body, 1.0)


class GuestBookCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.desk = SmallDesk()
        self.own = GuestBook()
        self.record = record(0, secret="secret-of-one", address="169.254.169.0")
        self.neighbour = record(1, secret="secret-of-two", address="169.254.169.1")
        for each in (self.record, self.neighbour):
            self.successResultOf(self.desk.store.save([each]))
            self.admit(each)
        self.successResultOf(self.desk.store.write(self.record, {"user_data": USER_DATA}))

    def admit(self, wanted: Record) -> None:
        self.desk.records[wanted.uuid] = wanted
        self.own.admit(wanted, self.desk)


class ContractTests(GuestBookContract, GuestBookCase):
    def setUp(self) -> None:
        super().setUp()
        self.book = self.own

    def kept(self, record: Record, name: str) -> bytes | None:
        found = self.desk.store.disk.outputs.get(record.directory, {}).get(name)
        return None if found is None else found[0]

    def beat(self, record: Record, at: float) -> None:
        self.desk.beats[record.uuid] = Heartbeat(at, record.name, str(record.address))

    def end(self, record: Record) -> None:
        self.desk.records.pop(record.uuid)
        self.own.dismiss(record)


class GuestBookTests(GuestBookCase):
    def test_dismissed_while_calling(self) -> None:
        """A machine that is over when its request is answered is told that it is."""
        self.own.dismiss(self.record)
        for asked in (self.own.public_key, self.own.features, self.own.heartbeats):
            error = self.assertRaises(NoSuchMachine, asked, self.record)
            self.assertIn(f"{self.record.uuid} is over", str(error))
        self.failureResultOf(self.own.user_data(self.record), NoSuchMachine)
        self.failureResultOf(self.own.put(self.record, "log", io.BytesIO(b"")), NoSuchMachine)

    def test_twice(self) -> None:
        """To dismiss a machine twice, or one that was never admitted, is nothing."""
        self.own.dismiss(self.record)
        self.own.dismiss(self.record)
        self.assertIsNotNone(self.own.by_secret(self.neighbour.secret))

    def test_address_passed_on(self) -> None:
        """An address that has passed to a successor stays the successor's."""
        successor = record(2, secret="secret-of-three", address=self.record.address)
        self.admit(successor)
        self.own.dismiss(self.record)
        self.assertEqual(successor, self.own.by_address("169.254.169.0"))

    def test_newest_facts(self) -> None:
        """A machine's record is the desk's newest, not the one it was admitted with."""
        later = record(0, secret="secret-of-one", address="169.254.169.0", started_at=5.0)
        self.desk.records[later.uuid] = later
        self.assertEqual(later, self.own.by_secret("secret-of-one"))

    def test_addresses(self) -> None:
        """Addresses are in use from admission to dismissal; some machines have none."""
        self.admit(record(3, secret="secret-of-four", address=None))
        self.assertEqual({"169.254.169.0", "169.254.169.1"}, self.own.addresses())
        self.own.dismiss(self.record)
        self.assertEqual({"169.254.169.1"}, self.own.addresses())

    def test_options(self) -> None:
        """The administrator's own keys are among $MACHINEFEATURES."""
        machine, _ = self.own.features(self.record)
        self.assertEqual("blue", machine["colour"])
