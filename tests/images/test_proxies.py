"""Servers reached through an HTTP proxy."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from tests.images.case import AGENT, CacheCase
from tests.images.https import Served
from tests.images.proxy import Proxy
from vcycle.core.images.proxies import Proxies, proxies
from vcycle.images.client import Ways

GOOD = b"good" * 50_000


class ProxyTests(CacheCase):
    def through(self, proxy: Proxy, none_for: str = "", allow_http: bool = False) -> None:
        """From now on fetch through it."""
        address = proxy.address.replace("http://", "http://user:pass%20word@")
        found = Proxies(https=address, http=address, none_for=none_for)
        self.ways = Ways(agent=AGENT, proxies=found, allow_http=allow_http)
        self.cache = self.start()

    def proxy(self, answer: bytes | None = None) -> Proxy:
        """A new one."""
        proxy = Proxy(reactor, answer)
        self.addCleanup(lambda: Deferred.fromCoroutine(proxy.stop()))
        return proxy

    async def test_connect(self) -> None:
        """TLS goes through a tunnel, so that the proxy hears a host's name and no more."""
        proxy = self.proxy()
        self.through(proxy)
        url = self.put(GOOD, etag='"1"')
        self.assertEqual(GOOD, await self.fetched(url))
        head = proxy.heads[0].split("\r\n")
        self.assertEqual(f"CONNECT localhost:{self.server.port} HTTP/1.1", head[0])
        self.assertIn("Proxy-Authorization: Basic dXNlcjpwYXNzIHdvcmQ=", head)
        self.assertIn(f"User-Agent: {AGENT}", head)
        self.assertNotIn("proxy-authorization", self.server.asked[0].headers)

    async def test_plain(self) -> None:
        """Without TLS the proxy is asked for the whole address."""
        proxy, server = self.proxy(), self.serve(None)
        self.through(proxy, allow_http=True)
        server.files["/x"] = Served(GOOD)
        self.assertEqual(GOOD, await self.fetched(server.url("/x")))
        self.assertTrue(proxy.heads[0].startswith(f"GET {server.url('/x')} HTTP/1.1\r\n"))
        self.assertIn("Basic dXNlcjpwYXNzIHdvcmQ=", proxy.heads[0])

    async def test_certificates_count(self) -> None:
        """A proxy vouches for nobody."""
        self.through(self.proxy())
        server = self.serve(self.authority.issue("example.org"))
        self.assertIn("not for the host localhost", await self.failed(server.url("/x")))

    async def test_no_proxy(self) -> None:
        """Hosts that are listed are reached without."""
        proxy = self.proxy()
        self.through(proxy, none_for="example.org, localhost")
        self.assertEqual(GOOD, await self.fetched(self.put(GOOD)))
        self.assertEqual([], proxy.heads)

    async def test_refuses(self) -> None:
        """Each row: what a proxy answers, and what is said of it, never with its password."""
        rows: list[tuple[bytes, str]] = [
            (b"HTTP/1.1 403 Forbidden\r\n\r\n", "refuses a connection to localhost:"),
            (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407 Proxy Auth"),
            (b"SSH-2.0-OpenSSH\r\n\r\n", "does not answer as a proxy does"),
            (b"x" * 20_000, "does not answer as a proxy does"),
        ]
        for answer, words in rows:
            self.through(self.proxy(answer))
            url = self.put(GOOD)
            text = await self.failed(url)
            self.assertIn(words, text)
            self.assertNotIn("word", text)

    async def test_gone(self) -> None:
        """A proxy that is not there is named."""
        proxy = self.proxy()
        self.through(proxy)
        await proxy.stop()
        self.assertIn(
            f"the proxy {proxy.address[len('http://') :]} is not reached",
            await self.failed(self.put(GOOD)),
        )

    async def test_silent(self) -> None:
        """A proxy that says nothing is given up."""
        proxy = self.proxy(b"")
        self.through(proxy)
        failure = Deferred.fromCoroutine(self.failed(self.put(GOOD)))
        await self.until(lambda: proxy.heads)
        self.clock.advance(61)
        self.assertIn("nothing came for 60 s", await failure)


class EnvironmentTests(CacheCase):
    def test_environment(self) -> None:
        """Each row: settings and environment, and the proxies that they mean."""
        rows: list[tuple[tuple[Any, ...], Proxies]] = [
            ((None, None, {}), Proxies()),
            (
                ("http://a:1", None, {"https_proxy": "http://b:2", "no_proxy": "x"}),
                Proxies(https="http://a:1", http="http://a:1", none_for="x"),
            ),
            (
                (None, "y", {"HTTPS_PROXY": "http://b:2", "HTTP_PROXY": "http://c:3"}),
                Proxies(https="http://b:2", none_for="y"),
            ),
            ((None, None, {"http_proxy": "c:3"}), Proxies(http="c:3")),
            ((None, None, {"all_proxy": "d:4"}), Proxies(https="d:4", http="d:4")),
        ]
        for given, expected in rows:
            self.assertEqual(expected, proxies(*given))
