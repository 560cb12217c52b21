"""Tests for vcycle.guests: callers that are slow, many, huge or wrong."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.guests.connection import OTHER, OWN, STRANGER, Connection, World
from tests.guests.sample import RECORD
from vcycle.guests.bounds import Bounds

GET = b"GET /latest/user-data HTTP/1.1\r\n\r\n"
PUT = b"PUT /joboutputs/log HTTP/1.1\r\nContent-Length: 100\r\n\r\n"


class _Case(SynchronousTestCase):
    bounds = Bounds(
        connections=6,
        connections_per_machine=3,
        head_seconds=10,
        idle_seconds=30,
        total_seconds=100,
    )

    def setUp(self) -> None:
        self.world = World(bounds=self.bounds)

    def connect(self, address: str = OWN, slow: bool = False) -> Connection:
        connection = self.world.connect(address, slow)
        assert connection is not None, "refused"
        return connection


class TimeTests(_Case):
    def test_silent(self) -> None:
        """Who connects and says nothing is cut when the head is due."""
        connection = self.connect()
        self.world.clock.advance(9)
        self.assertTrue(connection.open)
        self.world.clock.advance(1)
        self.assertFalse(connection.open)

    def test_slow_head(self) -> None:
        """A head that trickles in gains no time by it."""
        connection = self.connect()
        for _ in range(10):
            connection.send(b"G")
            self.world.clock.advance(1)
        self.assertFalse(connection.open)

    def test_idle_body(self) -> None:
        """A body that stops coming ends the connection, and keeps nothing."""
        connection = self.connect().send(PUT + b"x")
        self.world.clock.advance(29)
        self.assertTrue(connection.open)
        self.world.clock.advance(1)
        self.assertFalse(connection.open)
        self.assertEqual(({}, 0), (self.world.book.outputs, self.world.site.spool.used))

    def test_slow_body(self) -> None:
        """A body that trickles in has its time in all."""
        connection = self.connect().send(PUT)
        for _ in range(100):
            if connection.open:
                connection.send(b"x")
                self.world.clock.advance(2)
        self.assertFalse(connection.open)
        self.assertEqual({}, self.world.book.outputs)

    def test_slow_keeping(self) -> None:
        """A guest whose answer is long in coming is cut as any other."""
        waiting: Deferred[None] = Deferred()

        async def pause() -> None:
            await waiting

        self.world.book.pause = pause
        connection = self.connect().send(PUT + b"x" * 100)
        self.world.clock.advance(100)
        self.assertFalse(connection.open)
        waiting.callback(None)
        self.assertEqual(b"x" * 100, self.world.book.outputs[RECORD.uuid]["log"])

    def test_slow_reader(self) -> None:
        """Who reads slowly has the whole time of a connection for it, and no more."""
        connection = self.connect(slow=True).send(GET)
        self.world.clock.advance(99)
        self.assertTrue(connection.open)
        self.world.clock.advance(1)
        self.assertFalse(connection.open)

    def test_linger(self) -> None:
        """Who has read the answer and does not hang up is cut soon after."""
        connection = self.connect(slow=True).send(GET)
        connection.channel.writeConnectionLost()
        self.world.clock.advance(self.bounds.linger_seconds)
        self.assertFalse(connection.open)
        self.assertEqual([], self.world.clock.getDelayedCalls())

    def test_linger_bytes(self) -> None:
        """Who sends on and on after the answer is cut."""
        connection = self.connect(slow=True).send(b"PUT /x HTTP/1.1\r\n\r\n")
        self.assertEqual(403, connection.reply().status)
        connection.send(b"x" * self.bounds.linger_bytes)
        self.assertTrue(connection.open)
        connection.send(b"x")
        self.assertFalse(connection.open)

    def test_nothing_left(self) -> None:
        """A connection that is over leaves no timer and no place behind."""
        for data in (GET, PUT + b"x" * 100, b"\r\n\r\n", b"GET\r\n", b"x" * 10000):
            connection = self.connect().send(data)
            connection.transport.loseConnection()
            self.assertEqual([], self.world.clock.getDelayedCalls(), data)
            self.assertEqual(0, len(self.world.site.crowd), data)

    def test_stop(self) -> None:
        """When the site stops, all connections are cut."""
        connections = [self.connect(), self.connect(STRANGER).send(b"G")]
        self.world.site.stopFactory()
        self.assertFalse(any(connection.open for connection in connections))
        self.assertEqual([], self.world.clock.getDelayedCalls())


class CrowdTests(_Case):
    def test_machine(self) -> None:
        """A machine has only so many connections; its neighbours are not touched by that."""
        connections = [self.connect() for _ in range(3)]
        self.assertIsNone(self.world.connect())
        self.assertEqual(200, self.world.get("/latest/user-data", OTHER).status)
        connections[0].transport.loseConnection()
        self.assertIsNotNone(self.world.connect())

    def test_machine_by_secret(self) -> None:
        """Connections are counted for the secret that they gave, where all share one address."""
        head = b"PUT /machine/%b/joboutputs/log HTTP/1.1\r\nContent-Length: 9\r\n\r\n"
        for _ in range(3):
            self.connect(STRANGER).send(head % RECORD.secret.encode())
        path = f"/machine/{RECORD.secret}/latest/user-data"
        self.assertEqual(503, self.world.get(path, STRANGER).status)

    def test_strangers_make_place(self) -> None:
        """When all places are taken, the eldest caller without a machine makes place."""
        strangers = [self.connect(STRANGER) for _ in range(6)]
        self.assertEqual(200, self.world.get("/latest/user-data").status)
        self.assertEqual([False] + [True] * 5, [stranger.open for stranger in strangers])

    def test_full_of_machines(self) -> None:
        """Machines that are being served are not cut for anybody."""
        connections = [self.connect(address) for address in (OWN, OTHER) for _ in range(3)]
        self.assertIsNone(self.world.connect(STRANGER))
        self.assertTrue(all(connection.open for connection in connections))


class WrongTests(_Case):
    def test_garbage(self) -> None:
        """What is no HTTP/1 is answered 400 and closed."""
        for data in (
            b"GET /latest/user-data\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
            b"GET /latest/user-data HTTP/1.1\r\nno colon\r\n\r\n",
            b"PUT /joboutputs/log HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            b"PUT /joboutputs/log HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"PUT /joboutputs/log HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Length: 1\r\n\r\na",
            b"PUT /joboutputs/log HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        ):
            connection = self.connect().send(data)
            self.assertFalse(connection.open, data)
            self.assertEqual(400, connection.reply().status, data)
            self.assertEqual(1, connection.raw.count(b"HTTP/1.1 "), data)
        self.assertEqual({}, self.world.book.outputs)

    def test_long_lines(self) -> None:
        """Neither a line without an end nor headers without an end are gathered for ever."""
        for data in (
            b"GET /" + b"a" * 9000,
            GET[:-2] + b"X: " + b"a" * 9000 + b"\r\n",
            GET[:-2] + b"X: a\r\n" * 3000,
            GET[:-2] + b" folded\r\n" * 3000,
            GET[:-2] + b"X: a\r\n" * 65 + b"\r\n",
        ):
            connection = self.connect().send(data, piece=100)
            self.assertFalse(connection.open, data[:40])
            self.assertEqual(400, connection.reply().status)

    def test_huge_number(self) -> None:
        """A length of thousands of digits is no error of ours."""
        head = b"PUT /joboutputs/log HTTP/1.1\r\nContent-Length: " + b"9" * 6000 + b"\r\n\r\n"
        connection = self.connect().send(head)
        self.assertFalse(connection.open)
        self.assertEqual([], self.flushLoggedErrors())

    def test_chunk_line(self) -> None:
        """A chunk's length that has no end is refused."""
        head = b"PUT /joboutputs/log HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection = self.connect().send(head + b"0" * 5000, piece=100)
        self.assertEqual(400, connection.reply().status)

    def test_pipelined(self) -> None:
        """A second request on a connection is not answered, and its first once."""
        connection = self.connect().send(GET * 100)
        self.assertEqual(1, connection.raw.count(b"HTTP/1.1 200"))
        self.assertFalse(connection.open)

    def test_pipelined_while_busy(self) -> None:
        """What comes during a request is held back at the socket, not gathered."""
        waiting: Deferred[None] = Deferred()

        async def pause() -> None:
            await waiting

        self.world.book.pause = pause
        connection = self.connect().send(PUT + b"x" * 100 + GET * 10000, piece=1000)
        self.assertEqual("paused", connection.transport.producerState)
        waiting.callback(None)
        self.assertEqual(1, connection.raw.count(b"HTTP/1.1 "))

    @given(
        st.lists(
            st.binary(max_size=20)
            | st.sampled_from(
                [
                    GET,
                    PUT,
                    b"\r\n",
                    b"GET ",
                    b"PUT ",
                    b"/joboutputs/a ",
                    b"HTTP/1.1\r\n",
                    b"a: b\r\n",
                ]
                + [b"Transfer-Encoding: chunked\r\n", b"Content-Length: 3\r\n", b"3\r\nabc\r\n"]
            ),
            max_size=12,
        ),
        st.integers(1, 50),
    )
    def test_anything(self, pieces: list[bytes], piece: int) -> None:
        """No bytes at all raise, leave a timer, a place or room behind, or get two answers."""
        world = World(bounds=self.bounds)
        connection = world.connect()
        assert connection is not None
        connection.send(b"".join(pieces), piece=piece)
        final = connection.raw.replace(b"HTTP/1.1 100 Continue", b"")
        self.assertLessEqual(final.count(b"HTTP/1."), 1)
        connection.transport.loseConnection()
        self.assertEqual([], world.clock.getDelayedCalls())
        self.assertEqual((0, 0), (len(world.site.crowd), world.site.spool.used))
