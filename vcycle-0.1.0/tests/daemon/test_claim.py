"""Tests for vcycle.daemon.claim."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import space
from vcycle.core.config.model import Configuration, Settings
from vcycle.core.errors import NotOurs, StoreError
from vcycle.daemon.claim import claim, spool_of

CHECKOUT = str(Path(__file__).resolve().parents[2])


def configuration(state_dir: str) -> Configuration:
    settings = Settings(state_dir=state_dir, vacquery_port=0, vacquery_interface="", monitor_port=0)
    return Configuration(settings=settings, spaces={"one.test": space()}, warnings=())


class ClaimTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.state_dir = str(Path(self.mktemp()).absolute())

    def test_makes(self) -> None:
        """The directories are made; where machines' bodies wait, nobody else may look."""
        claim(configuration(self.state_dir), 1.0)
        mode = os.stat(spool_of(self.state_dir)).st_mode
        self.assertEqual(0o700, stat.S_IMODE(mode))
        self.assertTrue(os.path.exists(os.path.join(self.state_dir, "lock")))

    def test_spool_is_emptied(self) -> None:
        """What a killed daemon left on its way in is gone, and its rights are put right."""
        spool = Path(spool_of(self.state_dir))
        spool.mkdir(parents=True)
        (spool / "tmpabc").write_bytes(b"x")
        (spool / "directory").mkdir()
        spool.chmod(0o755)
        claim(configuration(self.state_dir), 1.0)
        self.assertEqual(["directory"], os.listdir(spool))
        self.assertEqual(0o700, stat.S_IMODE(spool.stat().st_mode))

    def test_14_other_daemon(self) -> None:
        """What another process has cannot be had; it says which process that is."""
        script = (
            "import sys; sys.path.insert(0, sys.argv[1])\n"
            "from tests.daemon.test_claim import claim, configuration\n"
            "claim(configuration(sys.argv[2]), 1.0); print('has it', flush=True); input()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script, CHECKOUT, self.state_dir],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as other:
            assert other.stdout is not None
            self.assertEqual(b"has it\n", other.stdout.readline())
            error = self.assertRaises(NotOurs, claim, configuration(self.state_dir), 2.0)
            self.assertIn(f"belongs to the daemon with pid {other.pid} since", str(error))
            other.communicate(b"\n")
        claim(configuration(self.state_dir), 3.0)

    def test_cannot_be_made(self) -> None:
        """A directory that cannot be made is told by its path."""
        Path(self.state_dir).write_bytes(b"a file")
        error = self.assertRaises(StoreError, claim, configuration(self.state_dir), 1.0)
        self.assertIn(self.state_dir, str(error))
