"""Orders to a real daemon in a process of its own, on libvirt's test driver, over its restarts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0
NOBODY = 65534
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
cycle_seconds = 5
[machinetype atlas]
target_share = 1
backoff_seconds = 0
fizzle_seconds = 0
machine_model = vm-raw
root_image = {place}/image.raw
"""


class OrdersTests(SynchronousTestCase):
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
        self.file.write_text(TEXT.format(place=self.place, processors=processors))

    def start(self) -> None:
        self.daemon = subprocess.Popen(
            [sys.executable, "-m", "vcycle.daemon.foreground", "--config", str(self.file)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "VCYCLE_LOG": "files"},
            cwd=self.place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
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

    def until(self, what: str, there: Any) -> None:
        end = time.monotonic() + PATIENCE
        while not there():
            self.assertLess(time.monotonic(), end, f"{what}: {self.log()}")
            time.sleep(0.1)

    def verdict(self) -> str:
        _, out, _ = self.vcycle("explain", "-o", "json")
        word: str = json.loads(out)["spaces"][0]["machinetypes"][0]["verdict"]
        return word

    def log(self) -> str:
        try:
            return (self.place / "vcycled-factory").read_text()
        except FileNotFoundError:
            return ""

    def test_drain_outlives(self) -> None:
        """What was drained rests after kill -9 too, and goes on when its end comes."""
        self.start()
        self.until("machines are made", lambda: self.verdict() == "full")
        status, out, err = self.vcycle("drain", "atlas", "--for", "10s", "-r", "repairs")
        self.assertEqual((0, ""), (status, err))
        self.assertIn("repairs", out)
        self.kill()
        # The test driver's machines end with the daemon, so that there is room.
        self.start()
        self.assertEqual("drained", self.verdict())
        self.until("its end has come", lambda: self.verdict() in ("started", "full", "proving"))
        self.assertRegex(self.log(), r"Ordered by \S+ \(uid \d+, pid \d+\): drain atlas of all")

    def test_destroy(self) -> None:
        """A machine is destroyed, and another takes its place; the log says who ordered it."""
        self.start()
        self.until("machines are made", lambda: self.verdict() == "full")
        before = json.loads(self.vcycle("show", "factory1-01", "-o", "json")[1])["shown"]["uuid"]
        self.assertEqual(0, self.vcycle("destroy", "--yes", "factory1-01")[0])

        def replaced() -> bool:
            status, out, _ = self.vcycle("show", "factory1-01", "-o", "json")
            shown = json.loads(out)["shown"] if status == 0 else {}
            return shown.get("state") == "running" and shown["uuid"] != before

        self.until("another is there", replaced)
        self.assertIn("factory1-01.example.com (atlas) is destroyed: destroyed by ", self.log())
        self.assertEqual(0, self.vcycle("orphans")[0])

    def test_replay(self) -> None:
        """What was recorded is decided again as it was, and otherwise by another configuration."""
        self.start()
        self.until("machines are made", lambda: self.verdict() == "full")
        self.kill()
        status, out, err = self.vcycle("replay")
        self.assertEqual((0, ""), (status, err))
        self.assertIn(" 0 would differ; 3 machines were started, 3 would have been.", out)
        self.configure(2)
        status, out, _ = self.vcycle("replay")
        self.assertEqual(3, status)
        self.assertIn("atlas: starts 2 (was: starts 3)", out)

    def test_strangers(self) -> None:
        """Whoever is not in the daemon's group is told so, and nothing else."""
        self.start()
        if os.geteuid() == 0:
            under: tuple[str, ...] = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}")
            under += ("--clear-groups",)
        else:
            # Of one's own files one may take away the right.
            under = ()
            os.chmod(self.place / "s/control.sock", 0)
        status, out, err = self.vcycle("drain", under=under)
        self.assertEqual((1, ""), (status, out))
        self.assertIn("not permitted", err)
        self.assertIn("member of the group", err)
        self.assertNotIn("Ordered", self.log())

    def test_rotated(self) -> None:
        """The log goes on in a new file once somebody has renamed it."""
        self.start()
        os.rename(self.place / "vcycled-factory", self.place / "vcycled-factory.1")
        self.vcycle("drain", "-r", "afterwards")
        self.until("a new file is there", lambda: "afterwards" in self.log())
        self.assertNotIn("afterwards", (self.place / "vcycled-factory.1").read_text())
