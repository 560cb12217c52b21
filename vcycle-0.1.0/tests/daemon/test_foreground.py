"""Tests for vcycle.daemon.foreground, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vcycle import __version__

CHECKOUT = str(Path(__file__).resolve().parents[2])


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vcycle.daemon.foreground", *words],
        env={
            **os.environ,
            "PYTHONPATH": CHECKOUT,
            "PYTHONDONTWRITEBYTECODE": "1",
            "VCYCLE_LOG": "output",
        },
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

    def test_version(self) -> None:
        """The version is that of the daemon, not of Twisted."""
        self.assertEqual(
            (0, f"Vcycle {__version__}\n"), (run("--version").returncode, run("--version").stdout)
        )

    def test_wrong_option(self) -> None:
        """A wrong option is told, and ends the process with an error."""
        done = run("--colour")
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn("colour", done.stdout + done.stderr)

    def test_impatient(self) -> None:
        """Several signals to end are one: no traceback, and the status of a good end."""
        place = Path(self.mktemp())
        place.mkdir(parents=True)
        file = place / "vcycle.conf"
        file.write_text(
            "[settings]\nvcycle_space = space.example.com\nfactory_name = factory1.example.com\n"
            "libvirt_uri = test:///default\nguest_http_port = 0\n"
            f"state_dir = {place.absolute()}/s\n",
            "utf-8",
        )
        daemon = subprocess.Popen(
            [sys.executable, "-m", "vcycle.daemon.foreground", "--config", str(file)],
            env={
                **os.environ,
                "PYTHONPATH": CHECKOUT,
                "PYTHONDONTWRITEBYTECODE": "1",
                "VCYCLE_LOG": "output",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.addCleanup(daemon.kill)
        assert daemon.stdout is not None, "it is a pipe"
        self.addCleanup(daemon.stdout.close)
        said = ""
        while "Machines are served" not in said:
            line = daemon.stdout.readline()
            self.assertNotEqual("", line, said)
            said += line
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            daemon.send_signal(number)
        rest = daemon.stdout.read()
        self.assertEqual(0, daemon.wait(60), rest)
        self.assertIn("Vcycle stops", rest)
        self.assertNotIn("Traceback", rest)
