"""Tests for vcycle.daemon.steady, on a reactor of its own in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

CHECKOUT = str(Path(__file__).resolve().parents[2])

SCRIPT = """
import time
from twisted.internet import reactor
from twisted.internet.base import ReactorBase
from vcycle.daemon.steady import steady

jump = 0.0
# The wall clock, as Twisted reads it, and as it can be set.
ReactorBase.seconds = staticmethod(lambda: time.time() + jump)
steady(reactor)
began = time.monotonic()
called = []

def set_back():
    global jump
    jump = -3600.0

def set_forth():
    global jump
    jump = 3600.0

reactor.callLater(0.1, set_back)
reactor.callLater(0.2, called.append, "after the clock was set back")
reactor.callLater(0.3, set_forth)
reactor.callLater(60, called.append, "too early")
reactor.callLater(0.5, reactor.stop)
reactor.run()
print(called, time.monotonic() - began < 30)
"""


class SteadyTests(SynchronousTestCase):
    def test_13_timers(self) -> None:
        """Timers come when so much time has passed, wherever the clock is set meanwhile."""
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual("['after the clock was set back'] True\n", done.stdout, done.stderr)
