"""Tests for vcycle.monitor.statussocket."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Mapping
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from vcycle.commands.asking import NoAnswer, ask
from vcycle.core.errors import NotOurs, VcycleError
from vcycle.monitor.place import LONGEST, refused_path, socket_path
from vcycle.monitor.statussocket import StatusSocket

reactor: Any = _reactor
DOCUMENTS = {"/v1/status": b'{"version": 1}', "/v1/later": b""}


class StatusSocketTests(TestCase):
    timeout = 30

    def setUp(self) -> None:
        # Not trial's own place: its paths may be too long for a socket.
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = socket_path(self.directory)
        self.serving = StatusSocket(reactor, self.path, DOCUMENTS.get)

    async def _ask(self, document: str) -> Mapping[str, Any]:
        answered: Deferred[Mapping[str, Any]] = deferToThread(ask, self.path, document)
        return await answered

    async def test_documents(self) -> None:
        """A program that asks for a document gets it, with a version before its name or without."""
        self.serving.startService()
        try:
            for path in ("/v1/status", "/status"):
                self.assertEqual({"version": 1}, await self._ask(path))
            health = await self._ask("/v1/health")
            self.assertEqual({"version": 1, "answering": True}, health)
        finally:
            await self.serving.stopService()

    async def test_unknown(self) -> None:
        """There is nothing else, and a program is told so."""
        self.serving.startService()
        try:
            for path in ("/", "/v1/", "/v1/other", "/v2/status", "/v1/" + "x" * 200, "/v1/%ff"):
                with self.assertRaises(NoAnswer) as caught:
                    await self._ask(path)
                self.assertIn("404", str(caught.exception))
        finally:
            await self.serving.stopService()

    async def test_not_yet(self) -> None:
        """While there is nothing to tell yet, the answer is to ask again."""
        self.serving.startService()
        try:
            with self.assertRaises(NoAnswer) as caught:
                await self._ask("/v1/later")
            self.assertIn("ask again", str(caught.exception))
        finally:
            await self.serving.stopService()

    async def test_private(self) -> None:
        """Only the owner and the group may ask; the socket is gone when the service is."""
        self.serving.startService()
        self.assertEqual(0o660, stat.S_IMODE(os.stat(self.path).st_mode))
        await self.serving.stopService()
        self.assertFalse(os.path.exists(self.path))

    async def test_stale(self) -> None:
        """A socket that a killed daemon left is replaced."""
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(self.path)
        self.serving.startService()
        try:
            status = await self._ask("/v1/status")
            self.assertEqual({"version": 1}, status)
        finally:
            await self.serving.stopService()

    def test_live(self) -> None:
        """Another daemon's socket is left as it is, also when its queue is full."""
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(self.path)
            other.listen(0)
            for _ in range(4):
                with self.assertRaises(NotOurs) as caught:
                    self.serving.startService()
                self.assertIn(self.path, str(caught.exception))
            self.assertTrue(os.path.exists(self.path))

    def test_no_socket(self) -> None:
        """A file of another kind is not removed."""
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("precious")
        with self.assertRaises(VcycleError) as caught:
            self.serving.startService()
        self.assertIn("no socket", str(caught.exception))
        self.assertTrue(os.path.exists(self.path))

    def test_no_directory(self) -> None:
        """A directory that is not there is said in one line, with its path."""
        path = os.path.join(self.directory, "none", "s")
        with self.assertRaises(VcycleError) as caught:
            StatusSocket(reactor, path, DOCUMENTS.get).startService()
        self.assertIn(path, str(caught.exception))

    def test_long_path(self) -> None:
        """A path that the kernel would refuse is refused with the cure."""
        long = socket_path("/" + "x" * LONGEST)
        with self.assertRaises(VcycleError) as caught:
            StatusSocket(reactor, long, DOCUMENTS.get).startService()
        self.assertIn("shorter state_dir", str(caught.exception))
        self.assertIsNone(refused_path("/" + "x" * (LONGEST - 1)))
