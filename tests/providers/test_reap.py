"""Tests for vcycle.providers.libvirt.reap, on real processes of a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

# The test's process must not become the parent of other tests' orphans.
STORY = """
import os, subprocess, sys
from pathlib import Path
from vcycle.providers.libvirt.reap import Reaper, adopt_orphans

def orphan():
    "A grandchild that ends at once, as a zombie since nobody waits for it."
    read, write = os.pipe()
    child = os.fork()
    if not child:
        if not os.fork():
            os.write(write, f"{os.getpid()} ".encode())
            os._exit(0)
        os._exit(0)
    os.waitpid(child, 0)
    pid = int(os.read(read, 100))
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return pid

assert adopt_orphans()
name = Path("/proc/self/comm").read_text()[:4]
pid = orphan()
other = Reaper()
print(other.reap(), other.reap())
ours = Reaper(prefixes=(name,))
print(ours.reap(), ours.reap(), ours.reap())
print(Path(f"/proc/{pid}").exists())
"""


class ReapTests(SynchronousTestCase):
    def test_orphans(self) -> None:
        """Orphans of the name are reaped at the second look, others never."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", STORY], env=environment, capture_output=True, text=True
        )
        self.assertEqual("0 0\n0 1 0\nFalse\n", done.stdout, done.stderr)
