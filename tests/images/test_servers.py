"""What servers do wrong, and what is in the cache after that: tests with a real HTTPS server."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import Deferred

from tests.images.case import NOW, CacheCase
from tests.images.https import Authority, Pair, Served
from vcycle.core.images.news import Back, Fetched, Kept, Lacking
from vcycle.images.client import Ways

GOOD, NEWER, HELD = b"good" * 50_000, b"newer" * 50_000, b"held" * 100


class ServerTests(CacheCase):
    async def test_good(self) -> None:
        """An image is fetched whole, once, and given from then on without asking again."""
        url = self.put(GOOD, etag='"1"')
        self.assertEqual(GOOD, await self.fetched(url))
        image = await self.image(url)
        self.assertEqual((NOW, None), (image.confirmed_at, image.problem))
        asked = [asked.path for asked in self.server.asked]
        self.assertEqual(["/image.iso"] * 2, asked)
        [news] = self.news
        assert isinstance(news, Fetched)
        self.assertEqual((url, len(GOOD)), (news.url, news.size))

    async def _refused(self, url: str, words: str) -> None:
        """Fetching fails for the reason, without a copy and with one, which stays."""
        before = [name for name in self.left() if "/images/" in name]
        self.assertIn(words, await self.failed(url))
        self.assertIn(words, await self.missing(url))
        self.assertTrue(any(isinstance(news, Lacking) for news in self.news))
        self.assertEqual(before, [name for name in self.left() if "/images/" in name])
        self.hold(url, HELD)
        self.cache = self.start()
        self.assertIn(words, await self.failed(url))
        self.assertEqual(HELD, await self.content(url))
        self.assertIn(words, (await self.image(url)).problem or "")
        [kept] = [news for news in self.news if isinstance(news, Kept)]
        self.assertEqual(url, kept.url)
        self.news.clear()

    async def test_expired(self) -> None:
        """A certificate that has expired is refused."""
        server = self.serve(self.authority.issue(days=(-9, -1)))
        await self._refused(server.url("/x"), "it has expired")

    async def test_not_yet(self) -> None:
        """A certificate of the future is refused."""
        server = self.serve(self.authority.issue(days=(1, 9)))
        await self._refused(server.url("/x"), "it is not valid yet")

    async def test_wrong_host(self) -> None:
        """A certificate for another host is refused."""
        server = self.serve(self.authority.issue("example.org"))
        await self._refused(server.url("/x"), "it is not for the host localhost")

    async def test_old_tls(self) -> None:
        """A server that speaks nothing newer than TLS 1.1 is not spoken with."""

        class Old(Pair):
            def options(self) -> Any:
                options = super().options()
                context = options.getContext()
                context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
                context.set_min_proto_version(SSL.TLS1_VERSION)
                context.set_max_proto_version(SSL.TLS1_1_VERSION)
                return options

        pair = self.authority.issue()
        server = self.serve(Old(pair.certificate, pair.key))
        server.files["/x"] = Served(GOOD)
        await self._refused(server.url("/x"), "protocol version")
        self.assertEqual([], server.asked)

    async def test_unreadable_crl(self) -> None:
        """With a CRL that cannot be read nothing of its authority is good either."""
        self.authority.write(self.trusted, b"no CRL")
        self.cache = self.start()
        await self._refused(self.put(GOOD), "its issuer is not known")

    async def test_address(self) -> None:
        """A host may be an address, if the certificate is for that."""
        server = self.serve(self.authority.issue("127.0.0.1"), "127.0.0.1")
        server.files["/x"] = Served(GOOD)
        self.assertEqual(GOOD, await self.fetched(server.url("/x")))

    async def test_unknown_authority(self) -> None:
        """A certificate of an authority that is not known is refused."""
        server = self.serve(Authority("Other CA").issue())
        await self._refused(server.url("/x"), "its issuer is not known")

    async def test_revoked(self) -> None:
        """Where there is a CRL, what it revokes is refused, and other certificates are good."""
        bad = self.authority.issue()
        self.authority.write(self.trusted, self.authority.revoke(bad))
        self.cache = self.start()
        self.assertEqual(GOOD, await self.fetched(self.put(GOOD)))
        self.assertIn("it was revoked", await self.failed(self.serve(bad).url("/x")))

    async def test_no_crl(self) -> None:
        """CRLs of one authority do not make them needed of another."""
        other = Authority("Other CA")
        other.write(self.trusted, other.revoke(), "89abcdef")
        self.cache = self.start()
        self.assertEqual(GOOD, await self.fetched(self.put(GOOD)))

    async def test_expired_crl(self) -> None:
        """With a CRL that has expired nothing of its authority is good."""
        self.authority.write(self.trusted, self.authority.revoke(days=(-9, -1)))
        self.cache = self.start()
        await self._refused(self.put(GOOD), "the CRL of its authority has expired")

    async def test_not_found(self) -> None:
        """A page that says that there is nothing is no image."""
        await self._refused(self.server.url("/gone"), "the server answers 404")

    async def test_truncated(self) -> None:
        """Less than was announced is nothing."""
        await self._refused(self.put(GOOD, cut=1000, modified=None), "it was cut off")

    async def test_truncated_chunks(self) -> None:
        """Chunks without a last one are nothing."""
        url = self.put(GOOD, cut=1000, length=False, modified=None)
        await self._refused(url, "it was cut off")

    async def test_without_length(self) -> None:
        """What only ends with the connection may be a part, and is nothing."""
        url = self.put(GOOD, length=False, chunked=False)
        await self._refused(url, "does not say how long it is")

    async def test_chunks(self) -> None:
        """Chunks have an end, and so need no length."""
        self.assertEqual(GOOD, await self.fetched(self.put(GOOD, length=False)))

    async def test_empty(self) -> None:
        """An empty file is no image."""
        await self._refused(self.put(b""), "it is empty")

    async def test_too_long(self) -> None:
        """What is too long is not fetched where that is announced, and else given up."""
        self.bounds = type(self.bounds)(waits=self.bounds.waits, most=1000)
        self.cache = self.start()
        await self._refused(self.put(GOOD), "at most 1.00 KB are fetched")
        self.server.files["/other"] = Served(GOOD, length=False)
        await self._refused(self.server.url("/other"), "more than 1.00 KB came")

    async def test_stall(self) -> None:
        """A server that sends nothing more is given up; what came is kept for later."""
        url = self.put(GOOD, stall=1000, modified=None)
        failure = Deferred.fromCoroutine(self.failed(url))
        await self.until(lambda: self.done(url) == 1000)
        self.clock.advance(30)
        self.assertFalse(failure.called)
        self.clock.advance(31)
        self.assertIn("nothing came for 60 s", await failure)
        self.assertIn("nothing came for 60 s", await self.missing(url))
        self.hold(url, HELD)
        self.cache = self.start()
        failure = Deferred.fromCoroutine(self.failed(url))
        await self.until(lambda: self.done(url) == 1000)
        self.clock.advance(61)
        self.assertIn("nothing came for 60 s", await failure)
        self.assertEqual(HELD, await self.content(url))

    async def test_silent(self) -> None:
        """A server that does not answer at all is given up."""
        url = self.put(GOOD, silent=True)
        failure = Deferred.fromCoroutine(self.failed(url))
        await self.until(lambda: self.server.asked)
        self.clock.advance(61)
        self.assertIn("nothing came for 60 s", await failure)

    async def test_total(self) -> None:
        """A server that keeps sending a little is given up as well."""
        url = self.put(GOOD, stall=1000, modified=None)
        self.bounds = type(self.bounds)(waits=type(self.bounds.waits)(stall=100_000, total=3600))
        self.cache = self.start()
        failure = Deferred.fromCoroutine(self.failed(url))
        await self.until(lambda: self.done(url) == 1000)
        self.clock.advance(3601)
        self.assertIn("not all of it came within 3600 s", await failure)

    async def test_nobody(self) -> None:
        """Where nothing listens, that is said."""
        await self.server.stop()
        await self._refused(self.server.url("/x"), "nothing listens there")

    async def test_redirected(self) -> None:
        """A redirection is followed, a few times."""
        self.server.files["/from"] = Served(status=302, location="/to")
        self.server.files["/to"] = Served(status=307, location=self.put(GOOD))
        self.assertEqual(GOOD, await self.fetched(self.server.url("/from")))
        self.server.files["/round"] = Served(status=302, location="/round")
        await self._only(self.server.url("/round"), "more than 5 redirections")

    async def _only(self, url: str, words: str) -> None:
        self.assertIn(words, await self.failed(url))

    async def test_redirected_to_http(self) -> None:
        """What was asked for over TLS never comes without it, even where http is allowed."""
        plain = self.serve(None)
        plain.files["/x"] = Served(GOOD)
        self.server.files["/from"] = Served(status=302, location=plain.url("/x"))
        for allowed in (False, True):
            self.ways = Ways(agent="Vcycle", allow_http=allowed)
            self.cache = self.start()
            await self._only(self.server.url("/from"), "redirected to")
        await self._refused(self.server.url("/from"), "redirected to")
        self.assertEqual([], plain.asked)

    async def test_http(self) -> None:
        """Without TLS nothing is fetched unless that is allowed."""
        plain = self.serve(None)
        plain.files["/x"] = Served(GOOD)
        self.assertIn("allow_http", await self.missing(plain.url("/x")))
        self.ways = Ways(agent="Vcycle", allow_http=True)
        self.cache = self.start()
        self.assertEqual(GOOD, await self.fetched(plain.url("/x")))

    async def test_agent(self) -> None:
        """Servers hear who asks."""
        await self.fetched(self.put(GOOD))
        self.assertEqual("Vcycle 1.0", self.server.asked[0].headers["user-agent"])


class GoodCopyTests(CacheCase):
    """A good copy is here; whatever the server does then, that copy stays and is used."""

    async def test_stays(self) -> None:
        """Each row: what the server gives then, and what is said of it."""
        rows = [
            (Served(b"<html>", status=500), "the server answers 500"),
            (Served(b"<html>", status=503), "out of service"),
            (Served(NEWER, cut=1000, etag='W/"2"'), "it was cut off"),
            (Served(NEWER, cut=1000, length=False, modified=None), "it was cut off"),
            (Served(NEWER, length=False, chunked=False), "does not say how long"),
            (Served(b"", etag='"3"'), "it is empty"),
            (Served(NEWER, headers={"Content-Encoding": "gzip"}), "encodes"),
            (Served(NEWER, status=206), "206"),
            (Served(status=302, location="ftp://example.com/"), "only https"),
        ]
        for served, words in rows:
            self.news.clear()
            url = self.put(GOOD, etag='"1"')
            self.assertEqual(GOOD, await self.fetched(url), words)
            self.clock.advance(400)
            self.server.files["/image.iso"] = served
            self.assertEqual(GOOD, await self.fetched(url), words)
            image = await self.image(url)
            self.assertIn(words, image.problem or "")
            self.assertEqual(self.wall() - 400, image.confirmed_at)
            kept = [news for news in self.news if isinstance(news, Kept)]
            self.assertEqual([400.0], [news.age for news in kept], words)
            self.put(GOOD, etag='"1"')
            await self.fetched(url)
            self.assertIsInstance(self.news[-1], Back)

    async def test_newer(self) -> None:
        """A newer image is another file; the former one stays for who has it."""
        url = self.put(GOOD)
        await self.fetched(url)
        former = (await self.image(url)).path
        self.put(NEWER, modified=1_700_000_001)
        self.assertEqual(NEWER, await self.fetched(url))
        with open(former, "rb") as file:
            self.assertEqual(GOOD, file.read())

    async def test_304(self) -> None:
        """That nothing changed costs one request, and counts as a confirmation."""
        for how in ({"etag": '"1"'}, {"modified": 1_700_000_000}, {"etag": 'W/"1"'}):
            url = self.put(GOOD, **how)
            await self.fetched(url)
            path = (await self.image(url)).path
            self.server.asked.clear()
            self.clock.advance(301)
            await self.fetched(url)
            self.assertEqual(1, len(self.server.asked))
            image = await self.image(url)
            self.assertEqual((path, self.wall()), (image.path, image.confirmed_at))

    async def test_ignores_conditions(self) -> None:
        """A server that always sends all of it is not listened to if the file is the same."""
        url = self.put(GOOD, plain=True)
        await self.fetched(url)
        self.server.asked.clear()
        self.assertEqual(GOOD, await self.fetched(url))
        self.assertEqual(1, len(self.server.asked))

    async def test_former_again(self) -> None:
        """A server that goes back to a former image gives that very file."""
        url = self.put(GOOD, etag='"1"')
        await self.fetched(url)
        former = await self.image(url)
        self.put(NEWER, etag='"2"')
        await self.fetched(url)
        self.put(GOOD, etag='"1"')
        await self.fetched(url)
        self.assertEqual(former.path, (await self.image(url)).path)
