"""Tests for vcycle.daemon.notify."""

from __future__ import annotations

import os
import socket
import tempfile
from typing import Callable

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vcycle.daemon.notify import MAX_STATUS, Notifier, Readiness


class Ears(SynchronousTestCase):
    """A socket as systemd's, and what is heard on it."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = f"{directory.name}/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(self.path)
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        """Everything that was said since the last time."""
        said = []
        while True:
            try:
                said.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return said


class NotifierTests(Ears):
    def test_lines(self) -> None:
        """Lines arrive as one message."""
        Notifier({"NOTIFY_SOCKET": self.path}).tell("READY=1", "STATUS=well")
        self.assertEqual(["READY=1\nSTATUS=well"], self.heard())

    def test_nobody(self) -> None:
        """Without a socket, or with one that is gone, nothing happens."""
        Notifier({}).tell("READY=1")
        Notifier({"NOTIFY_SOCKET": f"{self.path}.gone"}).tell("READY=1")
        Notifier({"NOTIFY_SOCKET": "@vcycle-nobody-listens"}).tell("READY=1")

    def test_abstract(self) -> None:
        """A name that begins with @ is in the abstract namespace."""
        name = f"vcycle-test-{os.getpid()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ears:
            ears.bind(f"\0{name}")
            Notifier({"NOTIFY_SOCKET": f"@{name}"}).tell("READY=1")
            self.assertEqual(b"READY=1", ears.recv(100))

    def test_watchdog(self) -> None:
        """The watchdog's time is in microseconds, and may be meant for another process."""
        for pid, microseconds, wanted in (
            (str(os.getpid()), "3000000", 3.0),
            ("", "3000000", 3.0),
            ("1", "3000000", None),
            (str(os.getpid()), "soon", None),
            (str(os.getpid()), "0", None),
        ):
            environment = {"WATCHDOG_PID": pid, "WATCHDOG_USEC": microseconds}
            self.assertEqual(wanted, Notifier(environment).watchdog)
        self.assertIsNone(Notifier({}).watchdog)


class ReadinessTests(Ears):
    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.turns = True
        self.waiting: list[Callable[[], object]] = []
        environment = {"NOTIFY_SOCKET": self.path, "WATCHDOG_USEC": "20000000"}
        self.readiness = Readiness(
            self.clock,
            Notifier(environment),
            lambda: self.turns,
            lambda: 1.5,
            self.waiting.append,
        )
        self.readiness.startService()

    def run_reactor(self) -> list[str]:
        for function in self.waiting:
            function()
        return self.heard()

    def test_ready(self) -> None:
        """It is ready when the reactor runs, not before."""
        self.assertEqual([], self.heard())
        self.assertEqual(["READY=1", "WATCHDOG=1"], self.run_reactor())

    def test_fed(self) -> None:
        """The watchdog is fed twice in its time, as long as cycles end."""
        self.run_reactor()
        self.clock.pump([10.0, 10.0])
        self.assertEqual(["WATCHDOG=1"] * 2, self.heard())
        self.turns = False
        self.clock.pump([10.0, 10.0])
        self.assertEqual([], self.heard())
        self.turns = True
        self.clock.advance(10.0)
        self.assertEqual(["WATCHDOG=1"], self.heard())

    def test_reload(self) -> None:
        """A reload is told with the moment at which it began, and when it is over."""
        self.run_reactor()
        self.readiness.reloading()
        self.readiness.reloaded()
        self.assertEqual(["RELOADING=1\nMONOTONIC_USEC=1500000", "READY=1"], self.heard())

    def test_stop(self) -> None:
        """A daemon that stops says so, and feeds nothing any more."""
        self.run_reactor()
        self.readiness.stopService()
        self.clock.advance(100.0)
        self.assertEqual(["STOPPING=1"], self.heard())

    def test_stopped_before_it_ran(self) -> None:
        """What never came up is not said to be."""
        self.readiness.stopService()
        self.assertEqual(["STOPPING=1"], self.run_reactor())

    def test_status(self) -> None:
        """The status is one bounded printable line, told when it changes."""
        self.readiness.status("two\nlines" + "x" * 1000)
        self.readiness.status("two\nlines" + "x" * 1000)
        (said,) = self.heard()
        self.assertEqual("STATUS=two?lines" + "x" * (MAX_STATUS - 9), said)
