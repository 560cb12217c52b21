"""Tests for vcycle.daemon.answering: the responder as the daemon runs it."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import FACTORY, NOW, SPACE, machinetype, running, space
from tests.daemon.test_published import Thread
from tests.inplace import in_place
from vcycle.core.errors import CallTimedOut, VcycleError
from vcycle.core.machine import State
from vcycle.core.observation import Reviewed
from vcycle.core.snapshot import Snapshot
from vcycle.core.vacquery.encode import encode_query
from vcycle.core.vacquery.facts import FactoryFacts
from vcycle.core.vacquery.messages import Kind, Query
from vcycle.core.vacquery.secret import sign
from vcycle.daemon.answering import AGAIN_SECONDS, Answering, facts_of
from vcycle.daemon.secretfile import read_secret
from vcycle.interfaces import RunInThread
from vcycle.testing.udpnetwork import MemoryNetwork

PORT = 995
PEER = "192.0.2.7"


class Asking(DatagramProtocol):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.heard.append(json.loads(datagram))


class Refusing(MemoryNetwork):
    """Refuses to listen while it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.error: int | None = None

    def listenUDP(self, port: int, *words: Any, **more: Any) -> Any:
        if self.error is not None:
            raise CannotListenError("", port, OSError(self.error, "no"))
        return super().listenUDP(port, *words, **more)


def snapshot(machines: int = 1, **changes: Any) -> Snapshot:
    return Snapshot(
        space=space(machinetype(), total_machines=2, **changes),
        taken_at=NOW,
        machines=tuple(
            Reviewed(record=running(number), state=State.RUNNING) for number in range(machines)
        ),
    )


class AnsweringCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        self.network = Refusing()
        self.network.advance(NOW)
        self.answering = self.make()

    def make(self, in_thread: RunInThread = in_place, port: int = PORT) -> Answering:
        reactor: Any = self.network
        return Answering(
            reactor,
            port,
            "127.0.0.1",
            in_thread=in_thread,
            clock=self.network.seconds,
            look=lambda of: FactoryFacts(processors=8),
        )

    def ask(
        self,
        kind: Kind = Kind.FACTORY,
        host: str = "127.0.0.2",
        name: str = SPACE,
        secret: bytes | None = None,
    ) -> list[dict[str, Any]]:
        asking = Asking()
        port = self.network.listenUDP(0, asking, host)
        datagram = encode_query(Query(kind=kind, space=name, cookie="c"))
        if secret is not None:
            datagram = sign(datagram, secret, self.network.seconds())
        port.write(datagram, ("127.0.0.1", PORT))
        self.network.pump([0.001] * 4)
        port.stopListening()
        return asking.heard


class AnswerTests(AnsweringCase):
    def setUp(self) -> None:
        super().setUp()
        self.answering.startService()

    def test_published(self) -> None:
        """Once something is published it is answered, and always the newest of it."""
        self.assertEqual([], self.ask())
        for machines in (1, 2):
            self.answering.publish(snapshot(machines))
            (told,) = self.ask()
            self.assertEqual((FACTORY, machines), (told["factory"], told["running_machines"]))
        self.assertEqual(2, len(self.ask(Kind.MACHINES)))
        self.assertEqual(1, len(self.ask(Kind.MACHINETYPES)))
        self.assertEqual(5, self.answering.counts["answers"])

    def test_known(self) -> None:
        """Factories are answered as soon as their addresses are known, before or after."""
        self.assertEqual([], self.ask(host=PEER))
        self.answering.publish(snapshot())
        self.assertEqual([], self.ask(host=PEER))
        self.answering.know(SPACE, [PEER])
        self.assertEqual(1, len(self.ask(host=PEER)))
        self.answering.publish(snapshot())
        self.assertEqual(1, len(self.ask(host=PEER)))
        self.answering.know(SPACE, [])
        self.assertEqual([], self.ask(host=PEER))

    def test_reconfigured(self) -> None:
        """Who is answered, and how often, follows the configuration."""
        self.answering.publish(snapshot(query_allow=("192.0.2.0/24",), query_rate=2))
        self.assertEqual([], self.ask())
        self.assertEqual(2, sum(len(self.ask(host=PEER)) for _ in range(5)))
        self.answering.publish(snapshot(query_allow=("192.0.2.0/24",), query_rate=50))
        self.assertEqual(5, sum(len(self.ask(host=PEER)) for _ in range(5)))

    def test_withdrawn(self) -> None:
        """A space that is no more is not answered for."""
        self.answering.publish(snapshot())
        self.answering.withdraw(SPACE)
        self.assertEqual([], self.ask())
        self.assertFalse(self.answering.answers(SPACE))

    def test_withdrawn_meanwhile(self) -> None:
        """What a thread was still making when its space went is not answered with."""
        thread = Thread()
        self.answering._in_thread = thread
        self.answering.publish(snapshot())
        self.answering.withdraw(SPACE)
        thread.work()
        self.assertEqual([], self.ask())
        self.answering.publish(snapshot())
        thread.work()
        self.assertEqual(1, len(self.ask()))

    def test_spaces(self) -> None:
        """Each space of the daemon is answered for."""
        for name in (SPACE, "b.test"):
            self.answering.publish(snapshot(name=name))
        self.assertEqual("b.test", self.ask(name="b.test")[0]["space"])

    def test_in_a_thread(self) -> None:
        """While new answers are made the old ones are given; of many snapshots the last counts."""
        self.answering.publish(snapshot(0))
        thread = Thread()
        self.answering._in_thread = thread
        for machines in (1, 2, 1, 2):
            self.answering.publish(snapshot(machines))
            self.assertEqual(0, self.ask()[0]["running_machines"])
        thread.work()
        self.assertEqual(1, self.ask()[0]["running_machines"])
        thread.work()
        self.assertEqual(2, self.ask()[0]["running_machines"])
        self.assertEqual([], thread.waiting)

    def test_thread_given_up(self) -> None:
        """A thread that hangs costs no more than its snapshot."""
        thread = Thread()
        self.answering._in_thread = thread
        self.answering.publish(snapshot(1))
        thread.waiting.pop()[1].errback(CallTimedOut("hung"))
        self.answering.publish(snapshot(2))
        thread.work()
        self.assertEqual(2, self.ask()[0]["running_machines"])

    def test_broken(self) -> None:
        """An error of ours is logged, and the next snapshot is answered."""

        def broken(of: Snapshot) -> FactoryFacts:
            raise ZeroDivisionError

        self.answering._look, look = broken, self.answering._look
        self.answering.publish(snapshot(1))
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
        self.answering._look = look
        self.answering.publish(snapshot(2))
        self.assertEqual(2, self.ask()[0]["running_machines"])


class SecretTests(AnsweringCase):
    def setUp(self) -> None:
        super().setUp()
        self.answering.startService()
        self.path = Path(self.mktemp()).absolute()
        self.path.write_bytes(b"0123456789abcdef0123\n")
        self.path.chmod(0o600)

    def publish(self, require: bool = True) -> list[str]:
        """The lines of an operator."""
        with capturedLogs() as logs:
            self.answering.publish(
                snapshot(vacquery_secret_file=str(self.path), vacquery_require_secret=require)
            )
        return [formatEvent(event) for event in logs if event["log_level"].name != "debug"]

    def test_required(self) -> None:
        """With a secret that is required only who has it is answered."""
        self.assertEqual([], self.publish())
        self.assertEqual([], self.ask())
        self.assertEqual(1, len(self.ask(secret=b"0123456789abcdef0123")))
        self.publish(require=False)
        self.assertEqual(1, len(self.ask()))

    def test_changed(self) -> None:
        """Another secret in the file counts from the next cycle on."""
        self.publish()
        self.path.write_bytes(b"another secret of good length")
        self.publish()
        self.assertEqual([], self.ask(secret=b"0123456789abcdef0123"))
        self.assertEqual(1, len(self.ask(secret=b"another secret of good length")))

    def test_unusable(self) -> None:
        """Without its secret a space says nothing to anybody, and this is told once."""
        self.publish()
        self.path.unlink()
        (line,) = self.publish(require=False)
        self.assertIn("nobody is answered: vacquery_secret_file", line)
        self.assertIn("No such file", line)
        self.assertEqual([], self.publish(require=False))
        self.assertEqual([], self.ask())

    def test_remarked(self) -> None:
        """As long as a space is silent for want of its secret, that is a problem of it."""
        self.publish()
        self.assertEqual(((), True), (self.answering.remarks(SPACE), self.answering.answers(SPACE)))
        self.path.chmod(0o666)
        self.publish()
        (remark,) = self.answering.remarks(SPACE)
        self.assertIn(f"nobody is answered: vacquery_secret_file {self.path}", remark)
        self.assertFalse(self.answering.answers(SPACE))
        self.path.chmod(0o600)
        self.publish()
        self.assertEqual(((), True), (self.answering.remarks(SPACE), self.answering.answers(SPACE)))


class ListenTests(AnsweringCase):
    def lines(self, work: Any) -> list[str]:
        with capturedLogs() as logs:
            work()
        return [formatEvent(event) for event in logs if event.get("event")]

    def test_listens(self) -> None:
        """It listens from start to stop, and only then has a heart, and answers."""
        self.answering.publish(snapshot())
        self.assertFalse(self.answering.answers(SPACE))
        self.assertEqual((), self.answering.hearts())
        (line,) = self.lines(self.answering.startService)
        self.assertEqual("Other factories are answered at 127.0.0.1, UDP port 995", line)
        self.assertEqual(("responder",), self.answering.hearts())
        self.assertTrue(self.answering.answers(SPACE))
        self.successResultOf(self.answering.stopService())
        self.assertEqual(((), {}), (self.answering.hearts(), self.network.ports))

    def test_refused(self) -> None:
        """A refusal is one line with its cure; it is tried again until it succeeds."""
        self.network.error = errno.EACCES
        (line,) = self.lines(self.answering.startService)
        self.assertEqual(
            "Other factories cannot be answered at 127.0.0.1, UDP port 995: Permission denied:"
            " ports below 1024 are root's: start as root, give CAP_NET_BIND_SERVICE, or set"
            " vacquery_port to the same higher port in the whole space; it is tried again",
            line,
        )
        self.assertEqual([], self.lines(lambda: self.network.advance(AGAIN_SECONDS)))
        self.assertEqual((), self.answering.hearts())
        self.network.error = errno.EADDRINUSE
        (line,) = self.lines(lambda: self.network.advance(AGAIN_SECONDS))
        self.assertIn("stop what listens at UDP port 995", line)
        self.network.error = errno.EADDRNOTAVAIL
        (line,) = self.lines(lambda: self.network.advance(AGAIN_SECONDS))
        self.assertIn("must be an address of this host", line)
        self.network.error = None
        self.assertEqual(1, len(self.lines(lambda: self.network.advance(AGAIN_SECONDS))))
        self.assertTrue(self.answering.listening)

    def test_stopped_while_refused(self) -> None:
        """The end ends the trying."""
        self.network.error = errno.EACCES
        self.answering.startService()
        self.successResultOf(self.answering.stopService())
        self.assertEqual([], self.network.getDelayedCalls())

    def test_nobody(self) -> None:
        """With port 0 nothing is opened, and no answers are made."""
        thread = Thread()
        answering = self.make(thread, port=0)
        self.assertEqual([], self.lines(answering.startService))
        answering.publish(snapshot())
        self.assertEqual(({}, []), (self.network.ports, thread.waiting))
        self.assertEqual((), answering.hearts())


class SecretFileTests(SynchronousTestCase):
    def refused(self, content: bytes, mode: int = 0o600) -> str:
        path = self.mktemp()
        Path(path).write_bytes(content)
        os.chmod(path, mode)
        return str(self.assertRaises(VcycleError, read_secret, path))

    def test_read(self) -> None:
        """Blanks around a secret are not part of it."""
        path = Path(self.mktemp())
        path.write_bytes(b" 0123456789abcdef\n")
        path.chmod(0o600)
        self.assertEqual(b"0123456789abcdef", read_secret(str(path)))

    def test_refused(self) -> None:
        """What is no secret is refused, with the reason and the cure."""
        self.assertIn("5 characters; 16 to", self.refused(b"short"))
        self.assertIn("to 4096 are needed", self.refused(b"x" * 5000))
        self.assertIn("chmod 0640", self.refused(b"0123456789abcdef", 0o644))
        self.assertIn("chmod 0640", self.refused(b"0123456789abcdef", 0o620))
        directory = self.mktemp()
        os.mkdir(directory)
        self.assertIn(directory, str(self.assertRaises(VcycleError, read_secret, directory)))
        fifo = self.mktemp()
        os.mkfifo(fifo)
        self.assertIn("not a regular file", str(self.assertRaises(VcycleError, read_secret, fifo)))


class FactsTests(SynchronousTestCase):
    def test_this_host(self) -> None:
        """Of a host that runs Linux most is known."""
        state = Path(self.mktemp())
        (state / "spaces" / SPACE).mkdir(parents=True)
        (state / "spaces" / SPACE / "factory-heartbeat").write_text("1700000000\n")
        facts = facts_of(str(state), lambda: NOW, {SPACE: lambda: True}, snapshot())
        self.assertGreater(facts.mem_total_kb, facts.mem_used_kb)
        self.assertGreater(facts.root_disk_avail_kb, 0)
        self.assertGreater(facts.boot_time, 0)
        self.assertEqual(1_700_000_000, facts.factory_heartbeat_time)
        self.assertEqual((0, int(NOW)), (facts.responder_heartbeat_time, facts.mjf_heartbeat_time))
        self.assertTrue(facts.kernel_version and facts.os_issue)

    def test_unknown(self) -> None:
        """What is not known is 0, and nothing fails for it."""
        facts = facts_of("/nonexistent", lambda: NOW, {}, snapshot())
        self.assertEqual(
            (0, 0, 0),
            (facts.daemon_disk_avail_kb, facts.factory_heartbeat_time, facts.mjf_heartbeat_time),
        )
