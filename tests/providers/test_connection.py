"""Tests for vcycle.providers.libvirt.connection: real threads, a clock that tests move."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Event
from typing import Any, Callable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.specs import spec, uuid
from tests.contracts.test_provider_libvirt import NODE
from tests.providers.test_survey import TEST
from tests.test_threads import ThreadsClock
from vcycle.core.domain import domain_xml
from vcycle.core.errors import OutcomeUnknown, ProviderError, Unreachable
from vcycle.providers.libvirt.connection import Connection, Patience
from vcycle.threads import PrivateThreads

PATIENCE = Patience(opening=5.0, retry_first=1.0, retry_most=4.0)


@define
class Blocked:
    """Work that says when it began, and goes on only when told."""

    began: Event = field(factory=Event)
    go: Event = field(factory=Event)

    def __call__(self, connection: object) -> str:
        self.began.set()
        self.go.wait(10)
        return "late"


class ConnectionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = ThreadsClock()
        self.threads = PrivateThreads(self.clock, "test", size=2, deadline=60.0, ceiling=3)
        self.threads.startService()
        self.addCleanup(self.threads.stopService)
        self.node = Path(self.mktemp()).resolve()
        self.be_absent()
        self.changes = 0
        self.heard: list[tuple[str, int, int]] = []
        self.connection = Connection(
            self.clock,
            f"test://{self.node}",
            self.threads,
            self.changed,
            lambda uuid, event, detail: self.heard.append((uuid, event, detail)),
            PATIENCE,
        )
        self.addCleanup(self.connection.stop)

    def changed(self) -> None:
        self.changes += 1

    def exist(self) -> None:
        """Let there be something to connect to."""
        self.node.write_text(NODE, encoding="utf-8")

    def be_absent(self) -> None:
        """Let there be nothing to connect to; a missing file libxml would lament on stderr."""
        self.node.write_text("nothing", encoding="utf-8")

    def call(self, work: Callable[[Any], Any], **options: Any) -> Deferred[Any]:
        options.setdefault("deadline", 20.0)
        return Deferred.fromCoroutine(self.connection.call("asking", work, **options))

    def answer(self, waiting: Deferred[Any]) -> Any:
        """Let threads speak until there is an answer or an error."""
        done: list[Any] = []
        waiting.addBoth(done.append)
        while not done:
            self.clock.take()
        return done[0]

    def ask(self) -> Any:
        """The host's processors, or the failure."""
        return self.answer(self.call(lambda connection: connection.getInfo()[2]))

    def refusal(self, failure: Any) -> str:
        self.assertIsInstance(failure.value, Unreachable, failure)
        return str(failure.value)

    def test_first_use(self) -> None:
        """The connection is opened on first use, and once for all who wait for it."""
        self.exist()
        waiting = [self.call(lambda c: c.getInfo()[2]) for _ in range(3)]
        self.assertEqual([8, 8, 8], [self.answer(one) for one in waiting])
        self.assertEqual(1, self.changes)

    def test_nobody_there(self) -> None:
        """While nobody is there, calls fail at once, with libvirt's words, until the next try."""
        self.assertIn("libvirt says", self.refusal(self.ask()))
        waiting = self.call(lambda c: None)
        self.assertIn("it is tried again soon", self.refusal(self.failureResultOf(waiting)))

    def test_tried_again(self) -> None:
        """It is tried again by itself, and whoever watches is told when it succeeds."""
        self.ask()
        self.clock.advance(PATIENCE.retry_first)
        self.clock.take()
        self.exist()
        self.assertEqual(0, self.changes)
        self.clock.advance(2 * PATIENCE.retry_first)
        self.clock.take()
        self.assertEqual(1, self.changes)
        self.assertEqual(8, self.ask())

    def test_patience(self) -> None:
        """The waits grow up to a limit, and are short again after a success."""
        self.ask()
        waits = []
        for _ in range(5):
            [timer] = self.clock.getDelayedCalls()
            waits.append(timer.getTime() - self.clock.seconds())
            self.clock.advance(waits[-1])
            self.clock.take()
        self.assertEqual([1.0, 2.0, 4.0, 4.0, 4.0], waits)
        self.exist()
        self.clock.advance(4.0)
        self.assertEqual(8, self.ask())
        self.be_absent()
        self.break_it()
        [timer] = self.clock.getDelayedCalls()
        self.assertEqual(PATIENCE.retry_first, timer.getTime() - self.clock.seconds())

    def break_it(self) -> Any:
        """Let the connection be dead under a call."""

        def work(connection: Any) -> None:
            connection.close()
            connection.getInfo()

        return self.answer(self.call(work))

    def test_broken(self) -> None:
        """A connection that broke is never used again; the next one is new."""
        self.exist()
        self.ask()
        self.assertIn("the connection is lost", self.refusal(self.break_it()))
        self.assertEqual(2, self.changes)
        self.clock.advance(PATIENCE.retry_first)
        self.assertEqual(8, self.ask())
        self.assertEqual(3, self.changes)

    def test_broken_while_writing(self) -> None:
        """What was to be written when it broke may be done."""
        self.exist()

        def work(connection: Any) -> None:
            connection.close()
            connection.getInfo()

        failure = self.answer(self.call(work, writing=True))
        self.assertIs(OutcomeUnknown, type(failure.value))
        self.assertIn("it may be done", str(failure.value))

    def test_refused(self) -> None:
        """What libvirt itself refuses leaves the connection as it is."""
        self.exist()
        failure = self.answer(self.call(lambda c: c.lookupByName("nobody")))
        self.assertIs(ProviderError, type(failure.value))
        self.assertIn("asking: libvirt says: Domain not found", str(failure.value))
        self.assertIsNone(failure.value.__cause__)
        self.assertEqual(8, self.ask())
        self.assertEqual(1, self.changes)

    def test_06_hung(self) -> None:
        """A call that hangs has no known outcome; the connection is kept for others."""
        self.exist()
        blocked = Blocked()
        self.addCleanup(blocked.go.set)
        self.ask()
        waiting = self.call(blocked)
        blocked.began.wait(10)
        self.clock.advance(20.0)
        self.failureResultOf(waiting, OutcomeUnknown)
        self.assertEqual((8, 1), (self.ask(), self.changes))

    def test_hung_vital(self) -> None:
        """A call that never should hang, and does, gives the connection up."""
        self.exist()
        blocked = Blocked()
        self.addCleanup(blocked.go.set)
        self.ask()
        waiting = self.call(blocked, vital=True)
        blocked.began.wait(10)
        self.clock.advance(20.0)
        self.failureResultOf(waiting, OutcomeUnknown)
        self.assertEqual(2, self.changes)
        self.clock.advance(PATIENCE.retry_first)
        self.assertEqual(8, self.ask())

    def test_06_opening_hangs(self) -> None:
        """An opening that hangs is given up in time; if it succeeds late, it is used."""
        self.node.unlink()
        os.mkfifo(self.node)
        waiting = self.call(lambda c: c.getInfo()[2])
        pipe = os.open(self.node, os.O_WRONLY)  # returns once there is a reader
        self.clock.advance(PATIENCE.opening)
        self.assertIn("within 5 s", self.refusal(self.failureResultOf(waiting)))
        self.assertEqual(1, self.threads.hung)
        os.write(pipe, NODE.encode())
        os.close(pipe)
        while not self.changes:
            self.clock.take()
        self.assertEqual(8, self.ask())
        self.assertEqual(0, self.threads.hung)

    def test_events(self) -> None:
        """Lifecycle events arrive on the reactor thread, with the uuid."""
        self.exist()
        xml = domain_xml(spec(1), TEST)
        self.answer(self.call(lambda c: c.createXML(xml, 0) and None))
        while not self.heard:
            self.clock.take()
        self.assertEqual(uuid(1), self.heard[0][0])

    def test_stop(self) -> None:
        """After a stop there are no connections and no timers; calls fail at once."""
        self.exist()
        self.ask()
        self.connection.stop()
        waiting = self.call(lambda c: None)
        self.assertIn("Vcycle is stopping", self.refusal(self.failureResultOf(waiting)))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_stop_between_tries(self) -> None:
        """A stop ends the tries."""
        self.ask()
        self.connection.stop()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_stop_while_opening(self) -> None:
        """A connection that opens after the stop is closed again."""
        self.node.unlink()
        os.mkfifo(self.node)
        waiting = self.call(lambda c: None)
        self.connection.stop()
        self.exist()  # whoever opens the pipe goes on
        self.assertIn("stopping", self.refusal(self.answer(waiting)))
        self.assertEqual(0, self.changes)
