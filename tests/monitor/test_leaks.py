"""Tests for vcycle.monitor.leaks: files that nobody owns any more."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.disks import DISK_FILES
from vcycle.monitor.leaks import OLD_SECONDS, leftovers


class LeftoverTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Path(self.mktemp())
        self.machines = self.root / "spaces" / "one.test" / "machines"
        self.machines.mkdir(parents=True)
        self.now = self.root.stat().st_mtime

    def test_none(self) -> None:
        """A state directory in order has none, and one that is not there neither."""
        living = self.machines / "1_pilot_f-00"
        living.mkdir()
        (living / DISK_FILES[0]).touch()
        over = self.machines / "1_pilot_f-01"
        over.mkdir()
        (over / "record.json").touch()
        (self.root / ".status.json.1.2").touch()
        counts = leftovers(str(self.root), {living.name}, self.now)
        self.assertEqual({"disks": 0, "files": 0, "damaged": 0}, counts)
        self.assertEqual(0, sum(leftovers("/nowhere", (), self.now).values()))

    def test_some(self) -> None:
        """Disks of machines that are over, old half-written files, and what was set aside."""
        over = self.machines / "1_pilot_f-01"
        over.mkdir()
        for name in DISK_FILES:
            (over / name).touch()
        half = self.root / "spaces" / "one.test" / ".counts.1.2"
        half.touch()
        os.utime(half, (1, self.now - OLD_SECONDS - 1))
        (self.root / "spaces" / "one.test" / "machines-damaged" / "x").mkdir(parents=True)
        counts = leftovers(str(self.root), (), self.now)
        self.assertEqual({"disks": len(DISK_FILES), "files": 1, "damaged": 1}, counts)
