"""A daemon in a process of its own on libvirt's test driver, and the commands that ask it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0
TEXT = """\
[settings]
vcycle_space = one.test
factory_name = factory1.example.com
libvirt_uri = test:///default
state_dir = {place}/s
log_directory = {place}
guest_http_port = 0
vacquery_port = 0
monitor_port = 0
total_processors = {processors}
total_mb = 20000
mb_per_processor = 64
overload_per_processor = 1000
cycle_seconds = {cycle}
{more}
[machinetype atlas]
target_share = 1
backoff_seconds = 0
fizzle_seconds = 0
machine_model = vm-raw
root_image = {place}/image.raw
"""


class OnTestDriver(SynchronousTestCase):
    """``cycle`` is cycle_seconds, ``settings`` and ``machinetype`` are more lines of each."""

    cycle = 5
    settings = ""
    machinetype = ""

    def setUp(self) -> None:
        # Not trial's own place: its paths may be too long for a socket.
        self.place = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.place)
        self.place.chmod(0o755)
        (self.place / "image.raw").write_bytes(bytes(4096))
        self.file = self.place / "vcycle.conf"
        self.configure(3)
        self.daemon: subprocess.Popen[bytes] | None = None
        self.addCleanup(self.kill)

    def configure(self, processors: int) -> None:
        text = TEXT.format(
            place=self.place, processors=processors, cycle=self.cycle, more=self.settings
        )
        self.file.write_text(text + self.machinetype)

    def launch(self) -> None:
        """Start it and go on at once."""
        self.daemon = subprocess.Popen(
            [sys.executable, "-m", "vcycle.daemon.foreground", "--config", str(self.file)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "VCYCLE_LOG": "files"},
            cwd=self.place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def start(self) -> None:
        self.launch()
        self.until("it answers", lambda: self.vcycle("explain")[0] == 0)

    def kill(self) -> None:
        if self.daemon is not None:
            self.daemon.send_signal(signal.SIGKILL)
            self.daemon.wait(PATIENCE)
            self.daemon = None

    def vcycle(self, *words: str, under: tuple[str, ...] = ()) -> tuple[int, str, str]:
        done = subprocess.run(
            [*under, sys.executable, "-m", "vcycle.commands.main", *words]
            + ["--config", str(self.file)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout, done.stderr

    def until(self, what: str, there: Callable[[], bool], poll: float = 0.1) -> None:
        end = time.monotonic() + PATIENCE
        while not there():
            self.assertLess(time.monotonic(), end, f"{what}: {self.log()}")
            time.sleep(poll)

    def log(self) -> str:
        try:
            return (self.place / "vcycled-factory").read_text()
        except FileNotFoundError:
            return ""
