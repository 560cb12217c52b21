"""Tests for vcycle.store.halfwritten: files that were never put into their places."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vcycle.store.halfwritten import OLD_SECONDS, half_written


class HalfWrittenTests(SynchronousTestCase):
    def test_counted(self) -> None:
        """Old ones count, at the top and in spaces; fresh and whole files do not."""
        root = Path(self.mktemp())
        (root / "spaces" / "one.test").mkdir(parents=True)
        now = root.stat().st_mtime
        self.assertEqual(0, half_written("/nowhere", now))
        for name in (".status.json.1.2", "status.json", "spaces/one.test/.counts.1.2"):
            (root / name).touch()
        self.assertEqual(0, half_written(str(root), now))
        for name in (".status.json.1.2", "status.json", "spaces/one.test/.counts.1.2"):
            os.utime(root / name, (1, now - OLD_SECONDS - 1))
        self.assertEqual(2, half_written(str(root), now))
