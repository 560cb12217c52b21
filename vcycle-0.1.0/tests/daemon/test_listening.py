"""Tests for vcycle.daemon.listening."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from tests.daemon.spoken import listening
from vcycle.daemon.listening import AGAIN_SECONDS, Listening
from vcycle.monitor.place import socket_path
from vcycle.monitor.statussocket import StatusSocket

reactor: Any = _reactor


class ListeningTests(TestCase):
    def setUp(self) -> None:
        # Not trial's own place: its paths may be too long for a socket.
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = Path(socket_path(self.directory))
        self.clock = Clock()
        sockets = StatusSocket(reactor, str(self.path), lambda _: None)
        self.listening = Listening(self.clock, sockets, "nobody can ask")

    async def test_good(self) -> None:
        """What can listen does, and nothing is said."""
        with listening() as said:
            self.listening.startService()
            self.assertTrue(self.path.is_socket())
            self.assertIsNone(self.listening.problem)
            await self.listening.stopService()
        self.assertFalse(self.path.exists())
        self.assertEqual([], said)

    async def test_refused(self) -> None:
        """What cannot listen raises nothing; it is told of once with the cure, and tried again."""
        self.path.write_text("no socket")
        with listening() as said:
            self.listening.startService()
            self.clock.pump([AGAIN_SECONDS] * 3)
        [line] = said
        self.assertIn("vcycled: nobody can ask: ", line)
        self.assertIn("move it away", line)
        self.assertIn("move it away", self.listening.problem or "")
        self.path.unlink()
        self.clock.advance(AGAIN_SECONDS)
        self.assertTrue(self.path.is_socket())
        self.assertIsNone(self.listening.problem)
        await self.listening.stopService()
        self.assertEqual([], self.clock.getDelayedCalls())

    async def test_stopped(self) -> None:
        """Nothing is tried any more after the stop, and what is another's stays."""
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(self.path))
            other.listen(1)
            self.listening.startService()
            await self.listening.stopService()
            self.assertEqual([], self.clock.getDelayedCalls())
            self.assertTrue(os.path.exists(self.path))
