"""Tests for vcycle.monitor.control."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Mapping
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from vcycle.commands.asking import NoAnswer
from vcycle.commands.ordering import give
from vcycle.core.errors import NotOurs, VcycleError
from vcycle.monitor.control import AT_ONCE, IDLE_SECONDS, MAX_ORDER, Caller, ControlSocket, Order
from vcycle.monitor.place import LONGEST, control_path

reactor: Any = _reactor


class ControlSocketTests(TestCase):
    timeout = 30

    def setUp(self) -> None:
        # Not trial's own place: its paths may be too long for a socket.
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = control_path(self.directory)
        self.orders: list[tuple[Mapping[str, Any], Caller]] = []
        self.control = ControlSocket(reactor, self.path, self._answer)

    async def _answer(self, order: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        self.orders.append((order, caller))
        if order.get("order") == "fail":
            raise VcycleError("that cannot be done")
        return {"heard": order.get("order")}

    async def _give(self, order: Mapping[str, object]) -> Mapping[str, Any]:
        answered: Deferred[Mapping[str, Any]] = deferToThread(give, self.path, order)
        return await answered

    async def test_order(self) -> None:
        """An order is answered, and the kernel says who gave it."""
        self.control.startService()
        try:
            self.assertEqual({"version": 1, "heard": "x"}, await self._give({"order": "x"}))
            [(order, caller)] = self.orders
            self.assertEqual(({"order": "x"}, os.getuid()), (order, caller.uid))
            self.assertEqual(os.getpid(), caller.pid)
        finally:
            await self.control.stopService()

    async def test_refused(self) -> None:
        """What cannot be done is told, in the words of who could not."""
        self.control.startService()
        try:
            with self.assertRaises(NoAnswer) as caught:
                await self._give({"order": "fail"})
            self.assertEqual("that cannot be done", str(caught.exception))
        finally:
            await self.control.stopService()

    async def test_private(self) -> None:
        """Only the owner and the group can open it; it is gone when the service is."""
        self.control.startService()
        status = os.stat(self.path)
        self.assertEqual(0o660, stat.S_IMODE(status.st_mode))
        self.assertEqual(os.getegid(), status.st_gid)
        await self.control.stopService()
        self.assertFalse(os.path.exists(self.path))

    async def test_stale(self) -> None:
        """A socket that a killed daemon left is replaced."""
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(self.path)
        self.control.startService()
        try:
            self.assertEqual("x", (await self._give({"order": "x"}))["heard"])
        finally:
            await self.control.stopService()

    def test_live(self) -> None:
        """Another daemon's socket is left as it is."""
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(self.path)
            other.listen(1)
            self.assertRaises(NotOurs, self.control.startService)

    def test_long_path(self) -> None:
        """A path that the kernel would refuse is refused with the cure."""
        long = ControlSocket(reactor, "/" + "x" * LONGEST, self._answer)
        with self.assertRaises(VcycleError) as caught:
            long.startService()
        self.assertIn("shorter state_dir", str(caught.exception))

    async def test_crowd(self) -> None:
        """Who opens many connections and says nothing shuts out others, and not for long."""
        self.control.startService()
        idle = [socket.socket(socket.AF_UNIX) for _ in range(AT_ONCE)]
        try:
            for each in idle:
                each.connect(self.path)
            with self.assertRaises(NoAnswer):
                await self._give({"order": "x"})
            for each in idle:
                each.close()
            while True:
                try:
                    self.assertEqual("x", (await self._give({"order": "x"}))["heard"])
                    break
                except NoAnswer:
                    continue
        finally:
            await self.control.stopService()


class Peerless(StringTransport):
    """A transport that knows who calls."""

    def getHandle(self) -> Any:
        return socket.socketpair()[0]


class OrderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.transport = Peerless()
        self.failure: Exception | None = None
        self.order = Order(self._answer, self.clock)
        self.order.makeConnection(self.transport)

    async def _answer(self, order: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        if self.failure is not None:
            raise self.failure
        return {}

    def said(self) -> Mapping[str, Any]:
        self.assertTrue(self.transport.disconnecting)
        answer: Mapping[str, Any] = json.loads(self.transport.value())
        return answer

    def test_trash(self) -> None:
        """What is no order is told to be none, and nothing else happens."""
        for line in (b"", b"x", b"[]", b"\xff", b"[" * 60_000, b"1e999", b'"x"'):
            self.setUp()
            self.order.dataReceived(line + b"\n")
            self.assertIn("not understood", self.said()["error"])

    def test_endless(self) -> None:
        """A line without an end is not kept."""
        self.order.dataReceived(b"x" * (MAX_ORDER + 1))
        self.assertIn(str(MAX_ORDER), self.said()["error"])

    def test_idle(self) -> None:
        """Who says nothing is not waited for."""
        self.clock.advance(IDLE_SECONDS + 1)
        self.assertTrue(self.transport.disconnecting)

    def test_second(self) -> None:
        """A second order on one connection is not heard."""
        self.order.dataReceived(b"{}\n{}\n")
        self.assertEqual(1, self.transport.value().count(b"\n"))

    def test_surprise(self) -> None:
        """What nobody foresaw is in the log, and the caller is told where to look."""
        self.failure = KeyError("surprise")
        self.order.dataReceived(b"{}\n")
        self.assertIn("see its log", self.said()["error"])
        self.assertEqual(1, len(self.flushLoggedErrors(KeyError)))
