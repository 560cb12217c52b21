"""Tests for vcycle.daemon.foreground, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

CHECKOUT = str(Path(__file__).resolve().parents[2])


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vcycle.daemon.foreground", *words],
        env={**os.environ, "PYTHONPATH": CHECKOUT, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )


class ForegroundTests(SynchronousTestCase):
    def test_help(self) -> None:
        """Options are those of the daemon, not of twistd."""
        done = run("--help")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("--config", done.stdout)
        self.assertNotIn("--chroot", done.stdout)

    def test_wrong_option(self) -> None:
        """A wrong option is told, and ends the process with an error."""
        for words in (("--colour",), ("--config", "/nowhere/x.conf")):
            done = run(*words)
            self.assertEqual(1, done.returncode, done.stderr)
            self.assertIn(words[-1].lstrip("-"), done.stdout + done.stderr)
