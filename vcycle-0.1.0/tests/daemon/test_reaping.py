"""Tests for vcycle.daemon.reaping."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

CHECKOUT = str(Path(__file__).resolve().parents[2])

SCRIPT = """
import os, sys, time
from twisted.internet.task import Clock
from vcycle.daemon.reaping import REAP_SECONDS, ReapingService

clock = Clock()
service = ReapingService(clock)
service.startService()
name = b"qemu-system-x86"
if os.fork() == 0:
    # A machine's process: its parent goes away, and then it ends itself.
    if os.fork() == 0:
        open("/proc/self/comm", "wb").write(name)
        time.sleep(0.2)
        os._exit(0)
    os._exit(0)
time.sleep(0.6)
os.wait()

def zombies():
    found = []
    for task in os.listdir("/proc/self/task"):
        found += open(f"/proc/self/task/{task}/children").read().split()
    return len(found)

before = zombies()
clock.advance(REAP_SECONDS)
clock.advance(REAP_SECONDS)
print(before, zombies())
service.stopService()
print(clock.getDelayedCalls())
"""


class ReapingServiceTests(SynchronousTestCase):
    def test_orphans(self) -> None:
        """A guest's process that ended does not linger; stopping leaves no timer."""
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual("1 0\n[]\n", done.stdout, done.stderr)
