"""Tests for vcycle.store.jsonfile."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from tests.inplace import in_place
from vcycle.core.errors import StoreError
from vcycle.store.jsonfile import ClockFile


class ClockFileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = os.path.abspath(self.mktemp())
        os.mkdir(self.root)
        self.path = os.path.join(self.root, "clock.json")

    def file(self) -> ClockFile:
        return ClockFile(self.path, in_place)

    def test_survives(self) -> None:
        """The last readings are what the next daemon finds; there are none at first."""
        self.assertEqual({}, self.successResultOf(self.file().read()))
        for wall in (1.5, 2.5):
            self.successResultOf(self.file().write({"wall": wall, "boot": "b"}))
            self.assertEqual({"wall": wall, "boot": "b"}, self.successResultOf(self.file().read()))
        self.assertEqual(["clock.json"], os.listdir(self.root))

    def test_damage(self) -> None:
        """Readings that make no sense count as none, and are written over."""
        for content in (b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"a": 1' + b" " * (1 << 24)):
            with open(self.path, "wb") as file:
                file.write(content)
            self.assertEqual({}, self.successResultOf(self.file().read()))
        self.successResultOf(self.file().write({"wall": 1}))
        self.assertEqual({"wall": 1}, self.successResultOf(self.file().read()))

    def test_no_disk(self) -> None:
        """A directory that is gone is named when writing."""
        os.rmdir(self.root)
        error = self.failureResultOf(self.file().write({}), StoreError).value
        self.assertIn(self.root, str(error))
