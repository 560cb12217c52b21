"""What a demonstration leaves, and how a later one removes it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from demo import leavings
from demo.processes import Process, end, process
from demo.summary import lines

# Takes its time to see that a process has gone; nothing waits for it where all is well.
PATIENCE = 20.0


class Leavings(SynchronousTestCase):
    """Directories of demonstrations."""

    def setUp(self) -> None:
        self.place = leavings.new_place()
        self.addCleanup(shutil.rmtree, self.place, ignore_errors=True)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """A process that ends by itself only much later."""
        sleeping = "import time; print(flush=True); time.sleep(600)"
        started = subprocess.Popen([sys.executable, "-c", sleeping, *words], stdout=subprocess.PIPE)
        self.addCleanup(started.wait)
        self.addCleanup(started.kill)
        if started.stdout is None:
            raise AssertionError("no output to wait for")
        self.addCleanup(started.stdout.close)
        started.stdout.readline()
        return started

    def known(self, started: subprocess.Popen[bytes]) -> Process:
        """The process as it is written down."""
        found = process(started.pid)
        if found is None:
            raise AssertionError("it is gone")
        return found

    def test_short_path(self) -> None:
        """The embedded driver's root below it is short enough for a Unix socket."""
        self.assertLessEqual(len(str(self.place / "q")), 50)

    def test_own_is_not_abandoned(self) -> None:
        """A demonstration that still runs is left alone."""
        leavings.Marker(by=leavings.myself()).write(self.place)
        self.assertNotIn(self.place, leavings.abandoned(kept=True))

    def test_killed(self) -> None:
        """After a kill, the next one finds the directory, ends the daemon and removes all."""
        daemon = self.start()
        dead = Process(leavings.myself().pid, 0)
        leavings.Marker(by=dead, daemon=self.known(daemon)).write(self.place)
        self.assertIn(self.place, leavings.abandoned(kept=False))
        leavings.remove(self.place)
        self.assertFalse(self.place.exists())
        self.assertIsNotNone(daemon.wait(PATIENCE))

    def test_kept(self) -> None:
        """What was told to stay stays, until it is asked for by name."""
        dead = Process(leavings.myself().pid, 0)
        leavings.Marker(by=dead, kept=True).write(self.place)
        self.assertNotIn(self.place, leavings.abandoned(kept=False))
        self.assertIn(self.place, leavings.abandoned(kept=True))

    def test_foreign_directory(self) -> None:
        """A directory without a marker, or with a broken one, is nobody's to remove."""
        self.assertNotIn(self.place, leavings.abandoned(kept=True))
        (self.place / leavings.MARKER).write_text('{"by": 7}')
        self.assertNotIn(self.place, leavings.abandoned(kept=True))

    def test_number_used_again(self) -> None:
        """Another process that got the daemon's number is not touched."""
        other = self.start()
        known = self.known(other)
        self.assertEqual(end([Process(known.pid, known.began - 1)], patience=PATIENCE), 0)
        self.assertIsNone(other.poll())

    def test_machines(self) -> None:
        """Only QEMU processes with the directory in their command line are machines of it."""
        place = Path(self.mktemp()).absolute()
        place.mkdir()
        imitation = place / "qemu-system-imitation"
        shutil.copy("/bin/sleep", imitation)
        machine = subprocess.Popen([str(imitation), "600"])
        self.addCleanup(machine.wait)
        self.addCleanup(machine.kill)
        other = self.start(f"{place}/state")
        self.assertEqual(leavings.remove(place), 1)
        self.assertIsNone(other.poll())
        self.assertFalse(place.exists())


class Summary(SynchronousTestCase):
    """The lines made of a status."""

    def test_living_machines_and_reasons(self) -> None:
        """Machines that live with their ages, then why each kind is started or not."""
        status = {
            "spaces": [
                {
                    "machines": [
                        {
                            "machine": "vc1-00.demo",
                            "machinetype": "worker",
                            "state": "running",
                            "requested_at": 100.0,
                        },
                        {"machine": "vc1-01.demo", "state": "ended", "requested_at": 1.0},
                    ],
                    "machinetypes": [{"machinetype": "idler", "reason": "backed off for 12 s"}],
                }
            ]
        }
        self.assertEqual(
            [" ".join(line.split()) for line in lines(status, 130.0)],
            ["vc1-00.demo worker running 30s", "idler: backed off for 12 s"],
        )
