"""Tests for vcycle.monitor.pages and vcycle.monitor.site: over a real connection on loopback."""

from __future__ import annotations

import http.client
import socket
from typing import Any, Callable, TypeVar

from twisted.internet import reactor as _reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from vcycle.core.errors import VcycleError
from vcycle.monitor import site
from vcycle.monitor.pages import FILES, POLICY, Pages, Sources
from vcycle.monitor.site import CONNECTIONS, WatchingSite
from vcycle.monitor.stream import MOST, Stream

R = TypeVar("R")
reactor: Any = _reactor


class PagesTests(TestCase):
    timeout = 30

    def setUp(self) -> None:
        self.failure: Exception | None = None
        self.accepted = ""

        async def view() -> bytes:
            if self.failure is not None:
                raise self.failure
            return b'{"spaces":[]}'

        async def day() -> bytes:
            return b'{"day":1}'

        async def metrics(accept: str) -> tuple[bytes, str]:
            self.accepted = accept
            return b"# EOF\n", "text/plain; version=0.0.4"

        self.stream = Stream(reactor)
        self.stream.start()
        sources = Sources(view=view, day=day, metrics=metrics, names=lambda: {"factory1.test"})
        self.site = WatchingSite(reactor, Pages(sources, self.stream))
        listening = reactor.listenTCP(0, self.site, interface="127.0.0.1")
        self.port = listening.getHost().port
        self.addCleanup(listening.stopListening)
        self.addCleanup(self.stream.stop)

    async def away(self, work: Callable[[], R]) -> R:
        """Do what blocks beside the reactor that serves it."""
        done: R = await deferToThread(work)
        return done

    def asked(
        self, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, told, answer.read()
        finally:
            connection.close()

    async def test_files(self) -> None:
        """The page and what it needs are there, with a policy that lets nothing else in."""
        for path, (_, kind) in FILES.items():
            status, headers, body = await self.away(lambda: self.asked(path))  # noqa: B023
            self.assertEqual((200, kind), (status, headers["content-type"]), path)
            self.assertEqual(POLICY, headers["content-security-policy"])
            self.assertEqual("nosniff", headers["x-content-type-options"])
            self.assertNotIn("unsafe", POLICY)
            self.assertGreater(len(body), 100)

    async def test_page_is_whole(self) -> None:
        """All that the page names is served here: nothing is fetched from elsewhere."""
        _, _, body = await self.away(lambda: self.asked("/"))
        for part in body.decode().replace("'", '"').split('"'):
            if part.startswith("/") and " " not in part:
                status, _, _ = await self.away(lambda: self.asked(part))  # noqa: B023
                self.assertEqual(200, status, part)
        self.assertNotIn(b"://", body)
        self.assertNotIn(b"style=", body)
        self.assertNotIn(b"onclick", body)

    async def test_documents(self) -> None:
        """Programs read what the page reads, and Prometheus its own form."""
        status, headers, body = await self.away(lambda: self.asked("/v1/view"))
        self.assertEqual(
            (200, "application/json", b'{"spaces":[]}'), (status, headers["content-type"], body)
        )
        accept = "application/openmetrics-text"
        status, _, body = await self.away(lambda: self.asked("/metrics", Accept=accept))
        self.assertEqual((200, b"# EOF\n", accept), (status, body, self.accepted))
        status, headers, body = await self.away(lambda: self.asked("/v1/view", "HEAD"))
        self.assertEqual((200, "13", b""), (status, headers["content-length"], body))

    async def test_troubled(self) -> None:
        """What cannot be made now is said to be so, without a trace of why it broke."""
        self.failure = VcycleError("install python3-prometheus_client")
        status, _, body = await self.away(lambda: self.asked("/v1/view"))
        self.assertEqual((503, b"install python3-prometheus_client\n"), (status, body))
        self.failure = ZeroDivisionError("secret")
        status, _, body = await self.away(lambda: self.asked("/v1/view"))
        self.assertEqual(500, status)
        self.assertNotIn(b"secret", body)
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))

    async def test_nothing_else(self) -> None:
        """Other paths are not there, and nothing can be written."""
        for path in ("/x", "/../setup.py", "/vcycle.css/", "/v1", "/%2e%2e/place.py", "/page/"):
            status, _, _ = await self.away(lambda: self.asked(path))  # noqa: B023
            self.assertEqual(404, status, path)
        for method in ("POST", "PUT", "DELETE"):
            status, _, _ = await self.away(lambda: self.asked("/", method))  # noqa: B023
            self.assertEqual(405, status, method)

    async def test_rebinding(self) -> None:
        """A page elsewhere that points its name at us is told nothing."""
        for path in ("/", "/v1/view", "/metrics", "/events"):
            ask = lambda: self.asked(path, Host="evil.test:9979")  # noqa: B023, E731
            status, _, body = await self.away(ask)
            self.assertEqual(421, status, path)
            self.assertNotIn(b"spaces", body)
        status, _, _ = await self.away(lambda: self.asked("/", Host="factory1.test:9979"))
        self.assertEqual(200, status)

    async def test_body(self) -> None:
        """A body is not kept: who sends one is cut."""

        def send() -> bool:
            try:
                self.asked("/", "GET", body=b"x" * 100_000)
            except (ConnectionError, http.client.HTTPException):
                return True
            return False

        self.assertTrue(await self.away(send))

    async def test_events(self) -> None:
        """An open page is greeted with everything, and told what is new."""

        def listen() -> bytes:
            with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
                connection.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
                heard = b""
                while b"new" not in heard:
                    heard += connection.recv(4096)
                    if b"event: day" in heard:
                        reactor.callFromThread(self.stream.tell, "view", b'"new"')
                return heard

        heard = await self.away(listen)
        self.assertIn(b"text/event-stream", heard)
        self.assertIn(b'event: view\r\ndata: {"spaces":[]}'.replace(b"\r", b""), heard)
        self.assertIn(b'event: day\ndata: {"day":1}', heard)

    async def test_crowd(self) -> None:
        """However many connect, the eldest that asks for nothing makes place; pages have bounds."""

        def crowd() -> int:
            idle = [
                socket.create_connection(("127.0.0.1", self.port), 10)
                for _ in range(CONNECTIONS + 20)
            ]
            try:
                return self.asked("/")[0]
            finally:
                for each in idle:
                    each.close()

        self.assertEqual(200, await self.away(crowd))
        self.assertLessEqual(len(self.site._crowd), CONNECTIONS)

        def listeners() -> tuple[int, int]:
            opened = []
            for _ in range(MOST):
                each = socket.create_connection(("127.0.0.1", self.port), 10)
                each.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
                each.recv(100)
                opened.append(each)
            refused, _, _ = self.asked("/events")
            served, _, _ = self.asked("/v1/view")
            for each in opened:
                each.close()
            return refused, served

        self.assertEqual((503, 200), await self.away(listeners))

    def test_quiet(self) -> None:
        """There is no access log."""
        self.assertFalse(site.WatchingSite.noisy)
