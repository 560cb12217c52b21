"""Tests for vcycle.store.census: what factories told, kept for a day."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, SPACE
from tests.inplace import in_place
from vcycle.core.errors import StoreError
from vcycle.store.census import GOOD_SECONDS, MAX_ENTRY, Census

ONE = "factory1.example.com"
TWO = "factory2.example.com"


class CensusTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = os.path.abspath(self.mktemp())
        self.census = Census(self.root, SPACE, in_place)

    def write(self, entries: dict[str, bytes], now: float = NOW) -> None:
        self.successResultOf(self.census.write(entries, now))

    def read(self, now: float = NOW) -> dict[str, bytes]:
        return dict(self.successResultOf(self.census.read(now)))

    def test_kept(self) -> None:
        """Entries are files of the space's directory, one for each factory, for all to read."""
        self.assertEqual({}, self.read())
        self.write({ONE: b"{}\n", TWO: b'{"a":1}\n'})
        path = os.path.join(self.root, "spaces", SPACE, "space-census", TWO)
        with open(path, "rb") as file:
            self.assertEqual(b'{"a":1}\n', file.read())
        self.assertEqual(0o644, os.stat(path).st_mode & 0o777)
        self.assertEqual({ONE: b"{}\n", TWO: b'{"a":1}\n'}, self.read())
        self.assertEqual({ONE, TWO}, set(os.listdir(os.path.dirname(path))))

    def test_replaced(self) -> None:
        """A later census replaces what it has, and leaves the others."""
        self.write({ONE: b"old", TWO: b"old"})
        self.write({ONE: b"new"}, NOW + 3600)
        self.assertEqual({ONE: b"new", TWO: b"old"}, self.read(NOW + 3600))

    def test_old(self) -> None:
        """After a day an entry is not read, and removed with the next census."""
        self.write({ONE: b"1"})
        self.assertEqual([ONE], list(self.read(NOW + GOOD_SECONDS)))
        later = NOW + GOOD_SECONDS + 1
        self.assertEqual({}, self.read(later))
        self.assertIn(ONE, os.listdir(self.census.directory))
        self.write({TWO: b"2"}, later)
        self.assertEqual([TWO], os.listdir(self.census.directory))

    def test_clock_set_back(self) -> None:
        """An entry far from the future is not believed for ever."""
        self.write({ONE: b"1"}, NOW + 100 * GOOD_SECONDS)
        self.assertEqual({}, self.read())
        self.write({TWO: b"2"})
        self.assertEqual([TWO], os.listdir(self.census.directory))

    def test_unsafe(self) -> None:
        """No name leads out of the directory, and nothing is too long."""
        for name in ("../x", "a/b", ".hidden", ""):
            self.failureResultOf(self.census.write({name: b"1"}, NOW), StoreError)
        self.failureResultOf(self.census.write({ONE: b"x" * (MAX_ENTRY + 1)}, NOW), StoreError)
        self.assertRaises(StoreError, Census, self.root, "../other", in_place)

    def test_strange(self) -> None:
        """What is no file of ours is left alone, and not read."""
        self.write({ONE: b"1"})
        os.mkdir(os.path.join(self.census.directory, "directory"))
        os.symlink("/etc/passwd", os.path.join(self.census.directory, "link"))
        self.assertEqual([ONE], list(self.read()))

    def test_no_disk(self) -> None:
        """Where it cannot be written the path is named."""
        with open(self.root, "w"):
            pass
        error = self.failureResultOf(self.census.write({ONE: b"1"}, NOW), StoreError).value
        self.assertIn(self.root, str(error))
