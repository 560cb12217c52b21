"""The promises of IGuestBook, to be run against every guest book."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from zope.interface.verify import verifyObject

from vcycle.core.errors import StoreError
from vcycle.core.machine import Record
from vcycle.interfaces import IGuestBook

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase as Base
else:
    Base = ABC

USER_DATA = b"#!/bin/sh\n\xff\x00"
KEY = "ssh-ed25519 AAAAexample root@factory1.example.com\n"
FILE_BYTES = 1000


class GuestBookContract(Base):
    """
    Mix into a SynchronousTestCase that sets in ``setUp`` a ``book`` with two living machines:
    ``record``, with USER_DATA, and ``neighbour``, without any. Each has an address and a
    secret of its own, KEY, and FILE_BYTES for each output.
    """

    book: IGuestBook
    record: Record
    neighbour: Record

    @abstractmethod
    def kept(self, record: Record, name: str) -> bytes | None:
        """What is kept of an output, or None."""

    @abstractmethod
    def end(self, record: Record) -> None:
        """Let a machine be over."""

    @abstractmethod
    def beat(self, record: Record, at: float) -> None:
        """Let a machine's heartbeat be written."""

    async def _put(self, name: str, body: bytes) -> None:
        await self.book.put(self.record, name, io.BytesIO(body))

    async def _user_data(self, record: Record) -> bytes | None:
        return await self.book.user_data(record)

    def test_interface(self) -> None:
        """It provides what it says."""
        self.assertTrue(verifyObject(IGuestBook, self.book))

    def test_known(self) -> None:
        """A living machine is known by its address and by its secret."""
        for record in (self.record, self.neighbour):
            assert record.address is not None, "the contract's machines have addresses"
            for found in (
                self.book.by_address(record.address),
                self.book.by_secret(record.secret),
            ):
                self.assertEqual(record.uuid, None if found is None else found.uuid)

    def test_unknown(self) -> None:
        """Neither a part of a secret nor anything else is a secret."""
        secret = self.record.secret
        for wrong in ("", secret[:-1], secret + "x", secret.swapcase() + "?", "\N{SNOWMAN}", "x"):
            self.assertIsNone(self.book.by_secret(wrong), wrong)
        for wrong in ("", "192.0.2.99", secret, "::1"):
            self.assertIsNone(self.book.by_address(wrong), wrong)

    def test_over(self) -> None:
        """A machine that is over is a stranger; others are not touched by that."""
        self.end(self.record)
        self.assertIsNone(self.book.by_secret(self.record.secret))
        self.assertIsNone(self.book.by_address(self.record.address or ""))
        self.assertIsNotNone(self.book.by_secret(self.neighbour.secret))

    def test_user_data(self) -> None:
        """A machine has its own user_data, byte for byte, or none."""
        self.assertEqual(USER_DATA, self.successResultOf(self._user_data(self.record)))
        self.assertIsNone(self.successResultOf(self._user_data(self.neighbour)))

    def test_public_key(self) -> None:
        """The key is a file's text as it is."""
        self.assertEqual(KEY, self.book.public_key(self.record))

    def test_features(self) -> None:
        """Features are the machine's own."""
        machine, job = self.book.features(self.record)
        self.assertEqual(str(self.record.processors), machine["total_cpu"])
        self.assertEqual(self.record.uuid, job["job_id"])

    def test_heartbeats(self) -> None:
        """A machine sees who of its machinetype beats, and where it is."""
        self.assertEqual(b"", self.book.heartbeats(self.record))
        self.beat(self.record, 1000.5)
        self.assertEqual(
            f"1000 {self.record.name} {self.record.address}\n".encode(),
            self.book.heartbeats(self.record),
        )

    def test_put(self) -> None:
        """An output is kept whole, for one machine, and the next of its name replaces it."""
        for body in (b"first", b"", b"\xff" * FILE_BYTES):
            self.successResultOf(self._put("log-1.txt", body))
            self.assertEqual(body, self.kept(self.record, "log-1.txt"))
        self.assertIsNone(self.kept(self.neighbour, "log-1.txt"))

    def test_refused(self) -> None:
        """Over the quota, or under another kind of name, nothing is kept and nothing lost."""
        self.successResultOf(self._put("log", b"former"))
        self.failureResultOf(self._put("log", b"x" * (FILE_BYTES + 1)), StoreError)
        self.assertEqual(b"former", self.kept(self.record, "log"))
        for name in ("", ".", "..", ".hidden", "a/b", "/etc/x", "a\n", "a\x00", "a" * 65, "\xe9"):
            self.failureResultOf(self._put(name, b"x"), StoreError)
