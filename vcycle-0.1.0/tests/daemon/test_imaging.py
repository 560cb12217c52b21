"""Tests for vcycle.daemon.imaging: the cache as the daemon has it, with a real HTTPS server."""

from __future__ import annotations

import json
import os
from typing import Any

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.images.https import Authority, Served, Server
from vcycle import __version__
from vcycle.core.config.model import Settings
from vcycle.core.errors import ImageMissing
from vcycle.core.images.news import News
from vcycle.daemon.imaging import IMAGES, RELOADED, Imaging, ca_directory_of, ways_of
from vcycle.interfaces import Image, Wanted

GOOD = b"good" * 1000


class ImagingTests(TestCase):
    timeout = 30

    def setUp(self) -> None:
        self.directory = os.path.abspath(self.mktemp())
        certificates = os.path.join(self.directory, "certificates")
        authority = Authority()
        authority.write(certificates)
        server = self.server = Server(reactor, authority.issue())
        self.addCleanup(lambda: Deferred.fromCoroutine(server.stop()))
        self.settings = Settings(
            state_dir=os.path.join(self.directory, "state"),
            vacquery_port=0,
            vacquery_interface="",
            monitor_port=0,
            ca_directory=certificates,
        )
        self.news: list[News] = []
        self.wakes = 0
        self.imaging = self.start()

    def start(self, **changes: Any) -> Imaging:
        imaging = Imaging(
            reactor,
            evolve(self.settings, **changes),
            tell=self.news.append,
            woken=self._wake,
            environment={},
        )
        imaging.startService()
        self.addCleanup(imaging.stopService)
        return imaging

    def _wake(self) -> None:
        self.wakes += 1

    def put(self, body: bytes = GOOD) -> str:
        self.server.files["/image"] = Served(body, etag='"1"')
        return self.server.url("/image")

    async def image(self, url: str) -> Image:
        return await self.imaging.images.image(Wanted(reference=url, directory="/nowhere"))

    async def woken(self) -> None:
        while not self.wakes:
            await deferLater(reactor, 0.001)

    async def test_image(self) -> None:
        """An image is fetched by threads beside, and the cycle is woken when it is here."""
        url = self.put()
        with self.assertRaises(ImageMissing):
            await self.image(url)
        await self.woken()
        image = await self.image(url)
        with open(image.path, "rb") as file:
            self.assertEqual(GOOD, file.read())
        self.assertEqual(f"Vcycle {__version__}", self.server.asked[0].headers["user-agent"])
        while self.imaging.cache.progress(url) is not None:
            await deferLater(reactor, 0.001)

    async def test_watched(self) -> None:
        """Who watches is told of each image, by rows and as a document."""
        url = self.put()
        await self.imaging.cache.fetch(url)
        [row] = self.imaging.rows()
        self.assertEqual((url, "good", None), (row["image"], row["state"], row["problem"]))
        document = json.loads(self.imaging.content(IMAGES) or b"")
        self.assertEqual([dict(row)], document["images"])
        self.assertIsNone(self.imaging.content("/v1/status"))

    async def test_texts(self) -> None:
        """Templates and documents of pipes are kept by the same means."""
        url = self.put()
        await self.imaging.documents.fetch(url, 10_000)
        found = await self.imaging.documents.document(url, 10_000, 60.0)
        self.assertEqual(GOOD, found.body)
        self.assertEqual(GOOD, await self.imaging.images.text(url, "/nowhere"))

    async def test_reloaded(self) -> None:
        """Settings take effect at once."""
        plain = Server(reactor, None)
        self.addCleanup(lambda: Deferred.fromCoroutine(plain.stop()))
        plain.files["/x"] = Served(GOOD)
        with self.assertRaises(ImageMissing):
            await self.image(plain.url("/x"))
        self.imaging.configure(evolve(self.settings, allow_http=True, image_max_gb=1e-7))
        with self.assertRaises(ImageMissing):
            await self.image(plain.url("/x"))
        while "at most 100 bytes" not in str(self.imaging.rows()[0]["problem"]):
            await deferLater(reactor, 0.001)
        names = {name for name in RELOADED if not hasattr(self.settings, name)}
        self.assertEqual(set(), names)

    async def test_tidy(self) -> None:
        """The cache is kept in order, and trouble with that is told once."""
        url = self.put()
        await self.imaging.cache.fetch(url)
        await self.imaging.tidy()
        spaces = os.path.join(self.settings.state_dir, "spaces")
        with open(spaces, "w") as file:
            file.write("no directory")
        before = len(self.news)
        await self.imaging.tidy()
        await self.imaging.tidy()
        self.assertLessEqual(len(self.news) - before, 1)

    def test_ways(self) -> None:
        """Servers are reached as the settings say, and else the environment."""
        ways = ways_of(self.settings, {"https_proxy": "http://p:1", "no_proxy": "a"})
        self.assertEqual(("http://p:1", "a"), (ways.proxies.https, ways.proxies.none_for))
        ways = ways_of(evolve(self.settings, https_proxy="q:2"), {"https_proxy": "http://p:1"})
        self.assertEqual("q:2", ways.proxies.https)

    def test_authorities(self) -> None:
        """The configured directory counts; the usual one only where it is there."""
        self.assertEqual(self.settings.ca_directory, ca_directory_of(self.settings))
        usual = "/etc/grid-security/certificates"
        expected = usual if os.path.isdir(usual) else None
        self.assertEqual(expected, ca_directory_of(evolve(self.settings, ca_directory=None)))
