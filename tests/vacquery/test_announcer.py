"""Tests for vcycle.vacquery.announcer: messages to those who never answer."""

from __future__ import annotations

import errno
import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol
from twisted.trial.unittest import SynchronousTestCase

from tests.vacquery.factories import Ground
from vcycle.vacquery.announcer import MOST_WAITING, NAMES_SECONDS, Announcer

HOST = "vacmon.example.com"
RECEIVER = (HOST, 8884)


class Listener(DatagramProtocol):
    """Keeps what comes."""

    noisy = False

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.heard.append(datagram)


class AnnouncerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.ground = Ground()
        self.network = self.ground.network
        reactor: Any = self.network
        self.announcer = Announcer(reactor, self.ground.names)
        self.listener = Listener()
        host = self.ground.look_up(HOST)[0]
        self.network.listenUDP(8884, self.listener, interface=host)

    def pass_time(self, seconds: float = 1.0) -> None:
        self.network.pump([0.005] * int(seconds / 0.005))

    def test_told(self) -> None:
        """Each receiver gets each message, in order."""
        other = Listener()
        self.network.listenUDP(1, other, interface=self.ground.look_up("b.example.com")[0])
        self.announcer.announce((RECEIVER, ("b.example.com", 1)), [b"1", b"2", b"3"])
        self.pass_time()
        self.assertEqual([b"1", b"2", b"3"], self.listener.heard)
        self.assertEqual([b"1", b"2", b"3"], other.heard)
        self.assertEqual({}, self.announcer.trouble)

    def test_at_once(self) -> None:
        """Whoever announces waits for nothing: not for names, and not for the network."""
        waiting: list[Deferred[Any]] = []

        def hang(work: object, deadline: float | None = None) -> Deferred[Any]:
            waiting.append(Deferred())
            return waiting[-1]

        self.ground.names.in_thread = hang
        self.announcer.announce((RECEIVER,), [b"1"])
        self.pass_time()
        self.assertEqual([], self.listener.heard)
        waiting[0].callback(self.ground.look_up(HOST))
        self.pass_time()
        self.assertEqual([b"1"], self.listener.heard)

    def test_no_name(self) -> None:
        """What cannot be sent for want of an address is dropped in time, and one knows why."""
        self.ground.names.in_thread = lambda work, deadline=None: Deferred()
        self.announcer.announce((RECEIVER,), [b"1"])
        self.network.advance(NAMES_SECONDS)
        self.assertIn("its address is not known: ", self.announcer.trouble[RECEIVER])
        self.assertEqual([], self.network.getDelayedCalls())

    def test_bounded(self) -> None:
        """Of too many messages the oldest are dropped."""
        wanted = [b"%d" % n for n in range(MOST_WAITING)]
        self.announcer.announce((RECEIVER,), wanted)
        self.announcer.announce((RECEIVER,), [b"last"])
        self.pass_time(5.0)
        self.assertEqual(wanted[1:] + [b"last"], self.listener.heard)

    def test_bounded_without_names(self) -> None:
        """While names hang, no more wait than are allowed to."""
        self.ground.names.in_thread = lambda work, deadline=None: Deferred()
        for _ in range(100):
            self.announcer.announce((RECEIVER,), [b"x"] * 1000)
        self.assertLess(len(self.network.getDelayedCalls()), 10)

    def test_refused(self) -> None:
        """What the system does not send is dropped; once it does, the trouble is over."""
        error = OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        self.network.refuse = lambda addr: error
        self.announcer.announce((RECEIVER,), [b"1"])
        self.pass_time()
        self.assertEqual({RECEIVER: "Network is unreachable"}, self.announcer.trouble)
        self.network.refuse = lambda addr: None
        self.announcer.announce((RECEIVER,), [b"2"])
        self.pass_time()
        self.assertEqual(([b"2"], {}), (self.listener.heard, self.announcer.trouble))

    def test_no_socket(self) -> None:
        """Without a socket messages are dropped, and it is tried again with the next."""

        def refuse(*_: object, **__: object) -> object:
            raise CannotListenError("", 0, OSError("too many open files"))

        listen = self.network.listenUDP
        self.network.listenUDP = refuse  # type: ignore[method-assign,assignment]
        self.announcer.announce((RECEIVER,), [b"1"])
        self.pass_time()
        self.assertIn("no socket", self.announcer.trouble[RECEIVER])
        self.network.listenUDP = listen  # type: ignore[method-assign]
        self.announcer.announce((RECEIVER,), [b"2"])
        self.pass_time()
        self.assertEqual([b"2"], self.listener.heard)

    def test_stop(self) -> None:
        """After the end nothing is sent, and nothing is left."""
        self.announcer.announce((RECEIVER,), [b"1"])
        self.pass_time()
        self.announcer.announce((RECEIVER,), [b"2"])
        self.announcer.stop()
        self.announcer.announce((RECEIVER,), [b"3"])
        self.pass_time()
        self.assertEqual([b"1"], self.listener.heard)
        self.assertEqual(1, len(self.network.ports))
        self.assertEqual([], self.network.getDelayedCalls())
