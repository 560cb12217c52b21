"""Tests for vcycle.daemon.door: the port of those who watch."""

from __future__ import annotations

import errno
import http.client
import json
import socket
from pathlib import Path
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.core.values import NOW
from tests.inplace import in_place
from tests.monitor.scenery import busy
from vcycle.core.config.model import Settings
from vcycle.core.errors import StoreError
from vcycle.daemon.door import AGAIN_SECONDS, Door, Entrance, bound, entrance
from vcycle.daemon.monitoring import DAY, Monitoring

reactor: Any = _reactor


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def settings(port: int, interface: str = "127.0.0.1") -> Settings:
    return Settings(
        state_dir="/nowhere",
        vacquery_port=0,
        vacquery_interface="",
        monitor_port=port,
        monitor_interface=interface,
    )


class BoundTests(SynchronousTestCase):
    def test_bound(self) -> None:
        """A port is bound at its interface, once; none where there is to be none."""
        port = free_port()
        door = bound(settings(port))
        assert door is not None, "it is free"
        self.addCleanup(door.close)
        self.assertEqual(("127.0.0.1", port), door.getsockname())
        self.assertIsNone(bound(settings(port)))
        self.assertIsNone(bound(settings(0)))

    def test_all(self) -> None:
        """With no interface it is all of them."""
        port = free_port()
        door = bound(settings(port, ""))
        assert door is not None, "it is free"
        self.addCleanup(door.close)
        with socket.create_connection(("127.0.0.1", port), 5):
            pass

    def test_entrance(self) -> None:
        """What was bound is let go where nothing else can be claimed."""
        port = free_port()

        def refuse() -> None:
            self.assertIsNone(bound(settings(port)))
            raise StoreError("another daemon has it")

        self.assertRaises(StoreError, entrance, settings(port), refuse)
        began = entrance(settings(port), lambda: None)
        assert began.door is not None, "it was let go"
        began.door.close()
        self.assertFalse(began.shut)


class Ports(Clock):
    """A reactor that adopts ports, and knows them."""

    def __init__(self) -> None:
        super().__init__()
        self.adopted: list[int] = []

    def adoptStreamPort(self, fd: int, family: int, factory: Any) -> Any:
        self.adopted.append(fd)
        return self

    def stopListening(self) -> None:
        self.adopted.pop()


class RefusedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Path(self.mktemp())
        self.root.mkdir()
        self.ports: Any = Ports()

    def door(self, port: int, began: Entrance | None = None) -> Door:
        monitoring = Monitoring(str(self.root), in_place, in_place, lambda: NOW)
        return Door(self.ports, settings(port), monitoring, tuple, began)

    def said(self, captured: Any) -> list[str]:
        return [formatEvent(event) for event in captured if event.get("event")]

    def test_taken(self) -> None:
        """A port that is taken is told of once, and tried again until it is free."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            door = self.door(port)
            with capturedLogs() as captured:
                door.startService()
                self.ports.advance(AGAIN_SECONDS)
                self.ports.advance(AGAIN_SECONDS)
            [line] = self.said(captured)
            self.assertIn("free it, or set another monitor_port; it is tried again", line)
            self.assertIn("nobody can look", door.problem or "")
        with capturedLogs() as captured:
            self.ports.advance(AGAIN_SECONDS)
        self.assertEqual(
            [f"Dashboard and metrics are at http://127.0.0.1:{port}/"], self.said(captured)
        )
        self.assertIsNone(door.problem)
        self.successResultOf(door.stopService())
        self.assertEqual([], self.ports.adopted)
        self.assertEqual([], self.ports.getDelayedCalls())

    def test_shut(self) -> None:
        """Behind the fence nothing is bound any more that people could reach: it waits."""
        door = self.door(free_port(), Entrance(None, shut=True))
        with capturedLogs() as captured:
            door.startService()
            self.ports.advance(10 * AGAIN_SECONDS)
        [line] = self.said(captured)
        self.assertIn("start the daemon anew", line)
        self.successResultOf(door.stopService())

    def test_none(self) -> None:
        """Without a port nothing is opened, and nothing is said."""
        door = self.door(0)
        with capturedLogs() as captured:
            door.startService()
            self.successResultOf(door.stopService())
        self.assertEqual([], self.said(captured))
        self.assertEqual([], self.ports.adopted)

    def test_early(self) -> None:
        """What was bound before the fence was entered is used behind it."""
        port = free_port()
        began = Entrance(bound(settings(port)), shut=True)
        door = self.door(port, began)
        door.startService()
        self.assertEqual(1, len(self.ports.adopted))
        self.successResultOf(door.stopService())
        self.assertNotEqual(errno.EBADF, 0)


class ServingTests(TestCase):
    timeout = 30

    async def test_page(self) -> None:
        """A page that is open is told of each snapshot; at the end the day is kept."""
        root = Path(self.mktemp())
        root.mkdir()
        port = free_port()
        monitoring = Monitoring(str(root), in_place, in_place, lambda: NOW)
        door = Door(reactor, settings(port), monitoring, lambda: {"factory1.test"})
        door.startService()

        def look() -> list[Any]:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/events", headers={"Host": "factory1.test"})
            answer = connection.getresponse()
            found: list[Any] = []
            while sum("machinetypes" in str(each) for each in found) < 2:
                line = answer.readline()
                if line.startswith(b"data: "):
                    found.append(json.loads(line[6:]))
                    reactor.callFromThread(monitoring.publish, busy(NOW + len(found)))
            connection.close()
            return found

        try:
            found = await deferToThread(look)
        finally:
            await door.stopService()
        self.assertEqual([], found[0]["spaces"])
        self.assertEqual("vac01.example.com", found[-1]["spaces"][0]["space"])
        self.assertTrue((root / DAY).exists())
