"""Tests for vcycle.monitor.stream: open pages, in bounds."""

from __future__ import annotations

from typing import Any, Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from vcycle.monitor.stream import BEAT, BEAT_SECONDS, MOST, RETRY, SLOW_BEATS, Listener, Stream


class Page:
    """A request of a page that stays open; it has its own connection."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.cut = False
        self.producer: Any = None
        self._finished: Deferred[None] = Deferred()
        self.channel = self

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def notifyFinish(self) -> Deferred[None]:
        return self._finished

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert streaming, "it is pushed"
        self.producer = producer

    def abortConnection(self) -> None:
        self.cut = True
        self.leave()

    def leave(self) -> None:
        finished, self._finished = self._finished, Deferred()
        finished.errback(ConnectionError("gone"))

    def events(self) -> list[bytes]:
        return [data for data in self.written if data.startswith(b"event")]


class StreamTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.stream = Stream(self.clock)
        self.stream.start()
        self.addCleanup(self.stream.stop)

    def admitted(self) -> tuple[Page, Listener]:
        page = Page()
        listener = self.stream.admit(page)
        assert listener is not None, "there is place"
        return page, listener

    def test_told(self) -> None:
        """What is told gets to all of them, whole, under its name."""
        pages = [self.admitted()[0] for _ in range(3)]
        self.stream.tell("view", b'{"a":1}')
        for page in pages:
            self.assertEqual([RETRY, b'event: view\ndata: {"a":1}\n\n'], page.written)

    def test_interface(self) -> None:
        """A listener is a producer as Twisted wants it."""
        self.assertTrue(verifyObject(IPushProducer, self.admitted()[1]))

    def test_slow(self) -> None:
        """Who does not take what is sent gets the newest of each kind once it does."""
        page, listener = self.admitted()
        listener.pauseProducing()
        for number in range(1000):
            self.stream.tell("view", b"%d" % number)
            self.stream.tell("day", b"%d" % number)
        self.assertEqual([], page.events())
        listener.resumeProducing()
        self.assertEqual(
            [b"event: view\ndata: 999\n\n", b"event: day\ndata: 999\n\n"], page.events()
        )

    def test_dead(self) -> None:
        """Who takes nothing for some beats is cut; who does is told that we live."""
        page, listener = self.admitted()
        other, _ = self.admitted()
        listener.pauseProducing()
        for _ in range(SLOW_BEATS):
            self.clock.advance(BEAT_SECONDS)
        self.assertTrue(page.cut)
        self.assertEqual([BEAT] * SLOW_BEATS, other.written[1:])
        self.assertEqual(1, len(self.stream))

    def test_bounded(self) -> None:
        """There are places for so many; one that leaves makes place for another."""
        pages = [self.admitted()[0] for _ in range(MOST)]
        self.assertIsNone(self.stream.admit(Page()))
        pages[0].leave()
        self.admitted()

    def test_stop(self) -> None:
        """At the end nobody is left open."""
        pages = [self.admitted()[0] for _ in range(3)]
        self.stream.stop()
        self.assertEqual([True] * 3, [page.cut for page in pages])
        self.assertEqual(0, len(self.stream))
        self.stream.start()

    def test_gone(self) -> None:
        """Nothing is written to a page that is gone."""
        page, listener = self.admitted()
        say: Callable[[str, bytes], None] = listener.send
        page.leave()
        say("view", b"1")
        listener.stopProducing()
        listener.resumeProducing()
        self.assertEqual([], page.events())
