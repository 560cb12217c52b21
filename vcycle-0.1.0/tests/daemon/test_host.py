"""Tests for vcycle.daemon.host."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vcycle.daemon.host import look, owner


class LookTests(SynchronousTestCase):
    def test_figures(self) -> None:
        """The host has processors, a load, and room where state is kept."""
        found = look("/")
        self.assertGreaterEqual(found.processors, 1)
        self.assertGreaterEqual(found.load, 0.0)
        self.assertIsNotNone(found.disk_free)

    def test_nowhere(self) -> None:
        """Where nothing can be kept the room is not known."""
        self.assertIsNone(look("/nowhere/at/all").disk_free)


class OwnerTests(SynchronousTestCase):
    def test_directory(self) -> None:
        """An owner is one directory, by whatever name, and survives the loss of its content."""
        root = Path(self.mktemp()).absolute()
        (root / "one").mkdir(parents=True)
        os.symlink("one", root / "link")
        first = owner(str(root / "one"))
        self.assertEqual(first, owner(str(root / "link")))
        self.assertNotEqual(first, owner(str(root / "two")))
        (root / "link").unlink()
        (root / "one").rmdir()
        self.assertEqual(first, owner(str(root / "one")))
        self.assertRegex(first, "^[0-9a-f]{16}$")
