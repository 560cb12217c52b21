"""Tests for vcycle.guests over real sockets: what memory cannot tell of closing."""

from __future__ import annotations

import http.client
import socket
from typing import Any, Callable, TypeVar

from attrs import evolve
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.guests.sample import RECORD
from vcycle.guests.bounds import Bounds
from vcycle.guests.site import make_site
from vcycle.testing.guestbook import MemoryGuestBook

R = TypeVar("R")
reactor: Any = _reactor
HOST = "127.0.0.1"


class SocketTests(TestCase):
    timeout = 30

    def setUp(self) -> None:
        record = evolve(RECORD, address=HOST)
        self.book = MemoryGuestBook(
            records={record.uuid: record}, templates={record.uuid: b"x" * 300000}
        )
        self.site = make_site(self.book, reactor, bounds=Bounds(output_bytes=1000000))
        listening = reactor.listenTCP(0, self.site, interface=HOST)
        self.port = listening.getHost().port
        self.addCleanup(listening.stopListening)

    async def _in_thread(self, work: Callable[[], R]) -> R:
        done: Deferred[R] = deferToThread(work)
        return await done

    def _talk(self, *pieces: bytes, closed: Callable[[], None] | None = None) -> bytes:
        with socket.create_connection((HOST, self.port), timeout=20) as connection:
            for piece in pieces:
                connection.sendall(piece)
            if closed is not None:
                connection.shutdown(socket.SHUT_WR)
                closed()
            answer = b""
            while data := connection.recv(65536):
                answer += data
            return answer

    async def test_client(self) -> None:
        """An ordinary HTTP client reads and writes, as often as it likes."""

        def work() -> list[tuple[int, int]]:
            client = http.client.HTTPConnection(HOST, self.port, timeout=20)
            seen = []
            for method, path, body in [
                ("GET", "/latest/user-data", None),
                ("PUT", "/joboutputs/log", b"y" * 500000),
                ("HEAD", "/latest/user-data", None),
                ("GET", "/joboutputs/log", None),
            ]:
                client.request(method, path, body)
                response = client.getresponse()
                seen.append((response.status, len(response.read())))
            client.close()
            return seen

        seen = await self._in_thread(work)
        self.assertEqual([(200, 300000), (201, 0), (200, 0), (404, 10)], seen)
        self.assertEqual({"log": b"y" * 500000}, self.book.outputs[RECORD.uuid])

    async def test_half_close(self) -> None:
        """A client that closes its sending side after its request still gets its answer."""
        waiting: Deferred[None] = Deferred()

        async def pause() -> None:
            await waiting

        self.book.pause = pause
        head = (
            b"PUT /joboutputs/heartbeat HTTP/1.0\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
        )

        def closed() -> None:
            reactor.callFromThread(reactor.callLater, 0, waiting.callback, None)

        answer = await self._in_thread(lambda: self._talk(head, b"1\n", closed=closed))
        self.assertTrue(answer.startswith(b"HTTP/1.0 201 Created\r\n"), answer)
        self.assertEqual({"heartbeat": b"1\n"}, self.book.outputs[RECORD.uuid])

    async def test_refused_while_sending(self) -> None:
        """A client that sends on after a refusal can still read it."""
        head = b"PUT /joboutputs/log HTTP/1.1\r\nContent-Length: 1500000\r\n\r\n"
        answer = await self._in_thread(lambda: self._talk(head, b"x" * 1500000))
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer)
        self.assertEqual({}, self.book.outputs)

    async def test_garbage(self) -> None:
        """A line that is no request is answered and the connection closed."""
        answer = await self._in_thread(lambda: self._talk(b"HELLO\r\n" * 5000))
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)

    async def test_half_request(self) -> None:
        """A client that ends in the middle of its request is let go at once."""
        answer = await self._in_thread(lambda: self._talk(b"GET /late", closed=lambda: None))
        self.assertEqual(b"", answer)
        self.assertEqual(0, len(self.site.crowd))
