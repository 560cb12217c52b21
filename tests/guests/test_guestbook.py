"""The guest book in memory keeps the promises of IGuestBook."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.guestbook import FILE_BYTES, KEY, USER_DATA, GuestBookContract
from tests.guests.connection import NEIGHBOUR
from tests.guests.sample import RECORD
from vcycle.core.machine import Record
from vcycle.core.quota import Quota
from vcycle.testing.guestbook import MemoryGuestBook


class MemoryGuestBookTests(GuestBookContract, SynchronousTestCase):
    record = RECORD
    neighbour = NEIGHBOUR

    def setUp(self) -> None:
        self.memory = self.book = MemoryGuestBook(
            records={RECORD.uuid: RECORD, NEIGHBOUR.uuid: NEIGHBOUR},
            templates={RECORD.uuid: USER_DATA},
            key=KEY,
            quota=Quota(file_bytes=FILE_BYTES),
        )

    def kept(self, record: Record, name: str) -> bytes | None:
        return self.memory.outputs.get(record.uuid, {}).get(name)

    def beat(self, record: Record, at: float) -> None:
        self.memory.beaten[record.uuid] = at

    def end(self, record: Record) -> None:
        del self.memory.records[record.uuid]
