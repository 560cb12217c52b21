"""Templates and vacuum pipes: small files whose last good copy is kept; a real HTTPS server."""

from __future__ import annotations

import os

from twisted.internet.defer import Deferred, gatherResults

from tests.images.case import CacheCase
from tests.images.https import Served
from vcycle.core.errors import FetchError, ImageMissing
from vcycle.core.images.news import Back, Kept, Lacking, Unkept
from vcycle.images.documents import Documents

GOOD = b"#!/bin/sh\necho good\n"
MOST = 1 << 20


class DocumentTests(CacheCase):
    def setUp(self) -> None:
        super().setUp()
        self.kept = self.documents()

    async def body(self, url: str, max_age: float = 300) -> bytes:
        return (await self.kept.document(url, MOST, max_age)).body

    async def why(self, url: str, most: int = MOST) -> str:
        try:
            await self.kept.document(url, most, 300)
        except ImageMissing as error:
            return str(error)
        raise self.failureException("it is there")

    async def failing(self, url: str, documents: Documents, most: int = MOST) -> str:
        try:
            await documents.fetch(url, most)
        except FetchError as error:
            return str(error)
        raise self.failureException("it was fetched")

    async def test_asked(self) -> None:
        """It is fetched beside, and given from then on."""
        url = self.put(GOOD)
        self.assertEqual(f"{url} is being fetched", await self.why(url))
        await self.until(lambda: self.wakes)
        self.assertEqual(GOOD, await self.body(url))
        self.assertEqual(1, len(self.server.asked))

    async def test_waited_for(self) -> None:
        """A command waits; however many do, there is one request."""
        url = self.put(GOOD)
        answers = [Deferred.fromCoroutine(self.kept.fetch(url, MOST)) for _ in range(9)]
        found = await gatherResults(answers)
        self.assertEqual({GOOD}, {document.body for document in found})
        self.assertEqual(1, len(self.server.asked))

    async def test_age(self) -> None:
        """What is older than max_age is asked for anew; unchanged, it costs no body."""
        url = self.put(GOOD)
        await self.kept.fetch(url, MOST)
        self.clock.advance(299)
        await self.body(url)
        self.assertEqual(1, len(self.server.asked))
        self.clock.advance(1)
        await self.body(url)
        await self.until(lambda: len(self.server.asked) == 2)
        self.assertIn("if-modified-since", self.server.asked[1].headers)
        wall = self.wall()
        await self.until(lambda: not self.kept.busy)
        self.assertEqual(wall, (await self.kept.document(url, MOST, 1e9)).fetched_at)

    async def test_failures(self) -> None:
        """Each row: what a server does, and what is said; the good copy stays, on disk too."""
        url = self.put(GOOD)
        await self.kept.fetch(url, MOST)
        for served, words in [
            (Served(b"<html>", status=404), "404"),
            (Served(b"<html>", status=500), "500"),
            (Served(b"x" * 9, cut=1), "it was cut off"),
            (Served(b"x" * 9, length=False, chunked=False), "does not say how long"),
            (Served(b""), "it is empty"),
            (Served(b"x" * (MOST + 1)), f"larger than {MOST} bytes"),
            (Served(b"x" * (MOST + 1), length=False), f"larger than {MOST} bytes"),
        ]:
            served.modified = None
            self.server.files["/image.iso"] = served
            self.assertIn(words, await self.failing(url, self.kept))
            self.clock.advance(20)
            for documents in (self.kept, self.documents()):
                document = await documents.document(url, MOST, 1e9)
                self.assertEqual(GOOD, document.body)
            self.assertIn(words, (await self.kept.document(url, MOST, 1e9)).problem or "")
        self.assertTrue(all(isinstance(news, Kept) for news in self.news))

    async def test_none(self) -> None:
        """Without any copy it is missing, with the reason and when it is tried again."""
        url = self.server.url("/gone")
        self.assertIn("404", await self.failing(url, self.kept))
        self.assertIn("404: there is no such file; see the address; tried", await self.why(url))
        self.assertIsInstance(self.news[0], Lacking)
        self.server.files["/gone"] = Served(GOOD)
        self.clock.advance(20)
        await self.why(url)
        await self.until(lambda: self.wakes)
        self.assertEqual(GOOD, await self.body(url))
        self.assertIsInstance(self.news[-1], Back)

    async def test_restart(self) -> None:
        """A new daemon has the copy at once."""
        url = self.put(GOOD)
        await self.kept.fetch(url, MOST)
        self.server.asked.clear()
        self.kept = self.documents()
        self.assertEqual(GOOD, await self.body(url))
        self.assertEqual([], self.server.asked)

    async def test_unkept(self) -> None:
        """What cannot be written to the disk is used all the same, and that is told once."""
        url = self.put(GOOD)
        place = os.path.join(self.kept.copies.directory, "documents")
        os.makedirs(os.path.dirname(place))
        with open(place, "wb"):
            pass
        for _ in range(2):
            self.assertEqual(GOOD, (await self.kept.fetch(url, MOST)).body)
        [told] = self.news
        assert isinstance(told, Unkept)
        self.assertEqual(url, told.url)
        self.assertIn(place, told.reason)
        os.unlink(place)
        await self.kept.fetch(url, MOST)
        self.assertEqual(GOOD, (await self.documents().document(url, MOST, 1e9)).body)
        self.assertEqual([told], self.news)

    async def test_damaged_copy(self) -> None:
        """A copy that is not as it was written counts as none."""
        url = self.put(GOOD)
        await self.kept.fetch(url, MOST)
        [name] = [name for name in self.left() if "/documents/" in name]
        path = os.path.join(self.directory, name)
        with open(path, "rb") as file:
            content = file.read()
        for damage in (b"", b"[]\n", b"{\n", content[:-1], content + b"x", b"{" + content):
            with open(path, "wb") as file:
                file.write(damage)
            self.kept = self.documents()
            self.assertIn("is being fetched", await self.why(url))
            await self.kept.fetch(url, MOST)

    async def test_bounded(self) -> None:
        """Who takes less is told so, though another took it."""
        url = self.put(GOOD)
        await self.kept.fetch(url, MOST)
        self.assertIn("larger than 5 bytes", await self.why(url, 5))
        self.assertIn("larger than 5 bytes", await self.failing(url, self.kept, 5))

    async def test_no_address(self) -> None:
        """What is never fetched is refused at once."""
        self.assertIn("allow_http", await self.why("http://example.com/x"))
        self.assertIn("only https", await self.failing("ftp://example.com/x", self.kept))

    async def test_swept(self) -> None:
        """Copies that nobody names any more go in time, and nobody else reads any."""
        urls = [self.server.url("/one"), self.server.url("/other")]
        copies = self.kept.copies
        copies.sweep(urls, 1e12)  # there are none, nor a place for them
        for path in ("/one", "/other"):
            self.server.files[path] = Served(GOOD)
        for url in urls:
            await self.kept.fetch(url, MOST)
        directory = os.path.join(copies.directory, "documents")
        self.assertEqual(0o700, os.stat(directory).st_mode & 0o777)
        self.assertEqual(0o755, os.stat(copies.directory).st_mode & 0o777)
        self.assertEqual(set(urls), self.kept.urls())
        copies.sweep(set(urls), 1e12)
        self.assertEqual(2, len(os.listdir(directory)))
        copies.sweep(urls[:1], 0.0)
        self.assertEqual(2, len(os.listdir(directory)))
        copies.sweep(urls[:1], 1e12)
        self.assertIsNotNone(copies.read(urls[0]))
        self.assertIsNone(copies.read(urls[1]))
