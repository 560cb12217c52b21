"""Tests for vcycle.images.line."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import Protocol
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.errors import FetchError
from vcycle.images.line import MAX_HEAD, READ_BYTES, Line


class Below:
    """A connection that counts how often it was cut."""

    bufferSize = 65536

    def __init__(self) -> None:
        self.cut = 0

    def abortConnection(self) -> None:
        self.cut += 1


class Ended:
    """TLS as Twisted leaves it when it has just ended."""

    def __init__(self, below: Below) -> None:
        self.transport = below

    def abortConnection(self) -> None:
        raise AttributeError("'NoneType' object has no attribute 'shutdown'")


class Taker(Protocol):
    def __init__(self) -> None:
        self.taken = b""

    def dataReceived(self, data: bytes) -> None:
        self.taken += data


class LineTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.below, self.taker = Below(), Taker()
        taker = self.taker

        class Endpoint:
            def connect(self, factory: Any) -> Deferred[Any]:
                return succeed(taker)

        self.line = Line(Endpoint())
        self.successResultOf(self.line.connect(None))  # type: ignore[arg-type]

    def connect(self, transport: Any) -> None:
        self.taker.transport = transport

    def test_bounded(self) -> None:
        """A head that does not end is cut off; the body is not counted."""
        self.connect(self.below)
        for _ in range(3):
            self.taker.dataReceived(b"x" * MAX_HEAD)
        self.assertEqual(1, self.below.cut)
        self.assertIn("headers are longer", self.line.refusal or "")
        self.assertLessEqual(len(self.taker.taken), 2 * MAX_HEAD)

    def test_headed(self) -> None:
        """After the head all comes, in larger pieces."""
        self.connect(self.below)
        self.taker.dataReceived(b"x" * 1000)
        self.line.headed()
        for _ in range(5):
            self.taker.dataReceived(b"x" * MAX_HEAD)
        self.assertEqual((0, None), (self.below.cut, self.line.refusal))
        self.assertEqual(READ_BYTES, self.below.bufferSize)

    def test_abort(self) -> None:
        """It is cut once, also where TLS has ended before what is below it."""
        self.connect(self.below)
        self.line.abort()
        self.assertEqual(1, self.below.cut)
        self.connect(Ended(self.below))
        self.line.abort()
        self.assertEqual(2, self.below.cut)

    def test_nothing_to_abort(self) -> None:
        """What was never connected, or has gone, is no error."""
        self.line.abort()
        Line(None).abort()
        self.assertEqual(0, self.below.cut)


class LinkLocalTests(SynchronousTestCase):
    """What is next to this host alone, such as its cloud's metadata, is nobody's image."""

    def at(self, host: str) -> Below:
        """A connection to there, after it was made."""
        below, taker = Below(), Taker()
        below.getPeer = lambda: IPv4Address("TCP", host, 443)  # type: ignore[attr-defined]
        taker.transport = below  # type: ignore[assignment]

        class Endpoint:
            def connect(self, factory: Any) -> Deferred[Any]:
                return succeed(taker)

        self.connecting = Line(Endpoint()).connect(None)  # type: ignore[arg-type]
        return below

    def test_refused(self) -> None:
        """Such an address is cut before anything is asked, however it is written."""
        for host in ("169.254.169.254", "fe80::1%eth0", "::ffff:169.254.169.254"):
            self.assertEqual(1, self.at(host).cut, host)
            failure = self.failureResultOf(self.connecting, FetchError)
            self.assertIn("where only this host's own metadata service is", str(failure.value))

    def test_others(self) -> None:
        """All others, and what is no address at all, are left alone."""
        for host in ("127.0.0.1", "192.0.2.1", "10.0.0.1", "2001:db8::1", "", "socket"):
            self.assertEqual(0, self.at(host).cut, host)
            self.successResultOf(self.connecting)
