"""Tests for vcycle.daemon.service: the whole daemon on libvirt's test driver."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred, maybeDeferred
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from tests.daemon.spoken import lines
from vcycle.core.config.model import Configuration
from vcycle.daemon import lastgood
from vcycle.daemon.configuration import Places
from vcycle.daemon.published import STATUS
from vcycle.daemon.service import Daemon, daemon_of

TEXT = """\
[settings]
vcycle_space = one.test
factory_name = factory1.example.com
libvirt_uri = test:///default
state_dir = {state_dir}
guest_http_port = 0
total_processors = 2
overload_per_processor = 1000
{more}
[machinetype atlas]
target_share = 1
root_image = /nowhere/atlas.img
"""


@implementer(ILogObserver)
class Listener:
    """Hears the operator's lines; ``event`` waits for the next one of a name."""

    def __init__(self) -> None:
        self.heard: list[LogEvent] = []
        self._waiting: list[tuple[str, Deferred[None]]] = []

    def __call__(self, event: LogEvent) -> None:
        name = event.get("event")
        if name is None:
            return
        self.heard.append(dict(event))
        for each in [each for each in self._waiting if each[0] == name]:
            self._waiting.remove(each)
            each[1].callback(None)

    def event(self, name: str) -> Deferred[None]:
        waiting: Deferred[None] = Deferred()
        self._waiting.append((name, waiting))
        return waiting

    @property
    def names(self) -> list[str]:
        return [event["event"] for event in self.heard]


async def turn() -> None:
    """Let the reactor turn once."""
    turned: Deferred[None] = Deferred()
    reactor.callLater(0, turned.callback, None)
    await turned


class DaemonCase(TestCase):
    timeout = 30

    def setUp(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        # Not below the test's own directory: the path of a socket may not be so long.
        self.root = Path(self.mktemp()).absolute()
        self.root.mkdir(parents=True)
        self.state_dir = f"/proc/self/cwd/{os.path.relpath(self.root / 's')}"
        self.file = self.root / "vcycle.conf"
        self.listener = Listener()
        globalLogPublisher.addObserver(self.listener)
        self.addCleanup(globalLogPublisher.removeObserver, self.listener)
        self.write()

    def write(self, more: str = "") -> None:
        self.file.write_text(TEXT.format(state_dir=self.state_dir, more=more), "utf-8")

    def built(self) -> Daemon:
        return daemon_of(reactor, Places(files=(str(self.file),)))

    def started(self) -> Daemon:
        daemon = self.built()
        daemon.privilegedStartService()
        daemon.startService()
        self.addCleanup(self.stopped, daemon)
        return daemon

    def stopped(self, daemon: Daemon) -> Deferred[Any]:
        return maybeDeferred(daemon.stopService) if daemon.running else maybeDeferred(int)

    def look(self) -> None:
        """As ``kill -HUP`` does."""
        os.kill(os.getpid(), signal.SIGHUP)


class RightTests(DaemonCase):
    def test_runs(self) -> Deferred[None]:
        """It takes its state directory, cycles, shows what it found, and stops."""

        async def story() -> None:
            begun = self.listener.event("verdict")
            daemon = self.started()
            await begun
            await self.until_published(daemon)
            document = json.loads(content(daemon) or b"")
            [space] = document["spaces"]
            self.assertIn("/nowhere/atlas.img", space["machinetypes"][0]["reason"])
            self.assertIsNotNone(lastgood.recall(self.state_dir, "factory1.example.com"))
            await daemon.stopService()
            self.assertEqual("daemon-started", self.listener.names[0])
            self.assertEqual("daemon-stopping", self.listener.names[-1], lines(self.listener.heard))
            self.assertEqual([], [line for line in lines(self.listener.heard) if "error" in line])

        return ensureDeferred(story())

    async def until_published(self, daemon: Daemon) -> None:
        """The next snapshot's bytes are made: two cycles later at most."""
        while not content(daemon):
            await turn()

    def test_second_daemon(self) -> None:
        """A second daemon on the state directory ends at once, and says who has it."""
        self.started()
        error = self.assertRaises(SystemExit, self.built().privilegedStartService)
        self.assertIn("vcycled: ", str(error))
        self.assertIn(f"belongs to the daemon with pid {os.getpid()}", str(error))

    def test_hang_up(self) -> Deferred[None]:
        """SIGHUP has the files read again at once; what waits for the next start is said once."""

        async def story() -> None:
            self.started()
            for more in ("monitor_port = 4711", "monitor_port = 4711\ntotal_processors = 3"):
                changed = self.listener.event("configuration-changed")
                self.write(more)
                self.look()
                await changed
            said = lines(self.listener.heard)
            restart = "warn: Configuration: [settings] monitor_port = 4711 takes effect at the"
            self.assertEqual(1, len([line for line in said if line.startswith(restart)]), said)

        return ensureDeferred(story())

    def test_becomes_wrong(self) -> Deferred[None]:
        """Wrong files stop creations, and the space is told why."""

        async def story() -> None:
            begun = self.listener.event("verdict")
            daemon = self.started()
            await begun
            wrong = self.listener.event("vetoed")
            self.write("colour = blue")
            self.look()
            await wrong
            self.assertIn("the configuration is wrong", lines(self.listener.heard)[-1])
            self.assertTrue(daemon.running)

        return ensureDeferred(story())


class FormerSpaceTests(DaemonCase):
    def test_left(self) -> Deferred[None]:
        """A space that only the predecessor had is supervised until it has no machines."""

        async def story() -> None:
            os.mkdir(self.state_dir)
            former = self.file.read_text("utf-8")
            former += "[space two.test]\nfactory_name = factory2.example.com\n"
            lastgood.keep(self.state_dir, ((str(self.file), former),))
            left, begun = self.listener.event("space-left"), self.listener.event("verdict")
            daemon = self.started()
            await left
            await begun
            await turn()
            self.assertIn(
                "info: two.test: its last machine is over; the space is left",
                lines(self.listener.heard),
            )
            assert daemon._spaces is not None
            self.assertEqual(["one.test"], [each.name for each in daemon._spaces])
            await daemon._look()
            self.assertEqual(["one.test"], list(self.recalled().spaces))

        return ensureDeferred(story())

    def recalled(self) -> Configuration:
        found = lastgood.recall(self.state_dir, "factory1.example.com")
        assert found is not None
        return found


class WrongTests(DaemonCase):
    def test_waits(self) -> Deferred[None]:
        """On wrong files it waits, without threads or a state directory, for right ones."""

        async def story() -> None:
            self.write("colour = blue")
            daemon = self.started()
            self.assertEqual("nothing-runs", self.listener.names[-1])
            self.assertFalse(os.path.exists(self.state_dir))
            self.assertEqual([], list(daemon))
            begun = self.listener.event("daemon-started")
            self.write()
            self.look()
            await begun
            self.assertIn("configuration-right", self.listener.names)

        return ensureDeferred(story())

    def test_name_service(self) -> Deferred[None]:
        """A host whose domain the name service did not tell at the start is asked for it again."""

        async def story() -> None:
            text = self.file.read_text("utf-8")
            self.file.write_text(text.replace("factory_name = factory1.example.com\n", ""), "utf-8")
            names = ["factory1", "factory1", "factory1.example.com"]
            daemon = daemon_of(reactor, Places(files=(str(self.file),)), lambda: names.pop(0))
            daemon.privilegedStartService()
            daemon.startService()
            self.addCleanup(self.stopped, daemon)
            self.assertEqual("nothing-runs", self.listener.names[-1])
            await daemon._look()
            self.assertEqual("nothing-runs", self.listener.names[-1])
            begun = self.listener.event("verdict")
            await daemon._look()
            await begun
            self.assertEqual([], names)
            assert daemon._spaces is not None
            [only] = daemon._spaces
            self.assertEqual("one.test", only.name)
            found = lastgood.recall(self.state_dir, "factory1")
            assert found is not None
            self.assertEqual("factory1.example.com", found.spaces["one.test"].factory_name)

        return ensureDeferred(story())

    def test_former(self) -> Deferred[None]:
        """A daemon started on wrong files supervises with its predecessor's configuration."""

        async def story() -> None:
            kept = self.listener.event("verdict")
            predecessor = self.started()
            await kept
            await predecessor.stopService()
            # This process keeps the lock of the former directory to its end: as if it had moved.
            self.state_dir += "2"
            os.mkdir(self.state_dir)
            self.write()
            lastgood.keep(self.state_dir, ((str(self.file), self.file.read_text("utf-8")),))
            self.listener.heard.clear()
            self.write("colour = blue")
            vetoed = self.listener.event("vetoed")
            self.started()
            await vetoed
            self.assertIn("configuration-former", self.listener.names)
            self.assertIn("daemon-started", self.listener.names)
            self.assertIn("the configuration is wrong", lines(self.listener.heard)[-1])

        return ensureDeferred(story())

    def test_cannot_begin(self) -> Deferred[None]:
        """Right files whose state directory is another's are told of once, and tried again."""

        async def story() -> None:
            self.started()
            taken, self.state_dir = self.state_dir, self.state_dir + "-other"
            self.write("colour = blue")
            waiting = self.started()
            self.state_dir = taken
            self.write()
            refused = self.listener.event("cannot-begin")
            self.look()
            await refused
            self.assertTrue(waiting.running)
            self.assertEqual([], list(waiting))

        return ensureDeferred(story())


def content(daemon: Daemon) -> bytes | None:
    """The status document; nothing before the first one."""
    return None if daemon._assembly is None else daemon._assembly.content(STATUS)
