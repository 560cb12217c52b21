"""Tests for vcycle.providers.libvirt.unstarted, on files as libvirt leaves them."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vcycle.providers.libvirt.unstarted import HEAD_BYTES, forget_unstarted

HEAD = """<!--
WARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE
OVERWRITTEN AND LOST. Changes to this xml configuration should be made using:
  virsh edit factory1-00.example.com
or other application using the libvirt API.
-->

"""
LOCKS = """
import fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.lockf(fd, fcntl.LOCK_EX, 1)
print("locked", flush=True)
sys.stdin.read()
"""


class UnstartedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Path(self.mktemp())
        self.directory = self.root / "run" / "qemu"
        self.directory.mkdir(parents=True)

    def status(self, name: str, attributes: str, before: str = HEAD) -> None:
        text = f"{before}<domstatus {attributes}>\n  <domain id='3'/>\n</domstatus>\n"
        (self.directory / f"{name}.xml").write_text(text, "utf-8")

    def left(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir())

    def test_unstarted(self) -> None:
        """What has no process is forgotten, and nothing else is."""
        self.status("a", "state='paused' reason='starting up' pid='0'")
        self.status("b", "state='paused' reason='starting up' pid='10'")
        self.status("c", "state='running' reason='booted' pid='200'")
        (self.directory / "d.pid").write_text("0")
        (self.directory / "driver.pid").write_text("62")
        self.assertEqual(["a"], forget_unstarted(self.root))
        self.assertEqual(["b.xml", "c.xml", "d.pid", "driver.pid"], self.left())
        self.assertEqual([], forget_unstarted(self.root))

    def test_nothing(self) -> None:
        """A root that no driver has used yet is no error."""
        self.assertEqual([], forget_unstarted(self.root / "none"))

    def test_not_understood(self) -> None:
        """What is no status, or has one too far from its beginning, stays."""
        (self.directory / "a.xml").write_bytes(b"\xff\x00" * 9)
        self.status("b", "pid='0'", before=" " * HEAD_BYTES)
        self.status("c", "state='paused'")
        self.assertEqual([], forget_unstarted(self.root))
        self.assertEqual(["a.xml", "b.xml", "c.xml"], self.left())

    def test_in_use(self) -> None:
        """While another process has the driver, what it is just starting is left to it."""
        self.status("a", "state='paused' reason='starting up' pid='0'")
        lock = self.directory / "driver.pid"
        lock.write_text("1")
        other = subprocess.Popen(
            [sys.executable, "-c", LOCKS, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        try:
            assert other.stdout is not None, "a pipe"
            self.assertEqual(b"locked\n", other.stdout.readline())
            self.assertEqual([], forget_unstarted(self.root))
        finally:
            other.communicate()
        self.assertEqual(["a"], forget_unstarted(self.root))
        fd = os.open(lock, os.O_RDWR)
        self.addCleanup(os.close, fd)
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
