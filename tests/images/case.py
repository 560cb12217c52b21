"""A cache beside a real HTTPS server, for tests."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Collection
from typing import Any, Callable

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import TestCase

from tests.images.https import Authority, Pair, Served, Server
from tests.inplace import in_place
from vcycle.core.errors import FetchError, ImageMissing
from vcycle.core.images.exchange import Validators
from vcycle.core.images.index import Version
from vcycle.core.images.news import News
from vcycle.images.cache import ImageCache
from vcycle.images.client import Client, Ways
from vcycle.images.copies import Copies
from vcycle.images.documents import Documents
from vcycle.images.fetching import Bounds, Fetching
from vcycle.images.patience import Waits
from vcycle.images.proofs import Proofs, Verify, cannot_verify, identity_of
from vcycle.images.shelf import Shelf, file_name
from vcycle.images.trust import Trust
from vcycle.interfaces import Image, Wanted

NOW = 1_800_000_000.0
AGENT = "Vcycle 1.0"
PATIENCE = 30.0
"""Seconds that the loopback may take, beside whatever else the machine has to do."""


class CacheCase(TestCase):
    """
    ``clock`` is what waits and ages are measured by: no test waits. ``news`` is what was told.
    A new ``cache()`` on the same directory is a daemon that starts again.
    """

    timeout = 60

    def setUp(self) -> None:
        self.directory = os.path.abspath(self.mktemp())
        self.trusted = os.path.join(self.directory, "certificates")
        self.authority = Authority()
        self.authority.write(self.trusted)
        self.clock = Clock()
        self.news: list[News] = []
        self.wakes = 0
        self.used: set[str] | None = set()
        self.bounds = Bounds(waits=Waits(stall=60, total=3600))
        self.ways = Ways(agent=AGENT)
        self.verify: Verify = cannot_verify
        self.boot = "this boot"
        self.servers: list[Server] = []
        self.addCleanup(self._stop)
        self.server = self.serve(self.authority.issue())
        self.cache = self.start()

    def _stop(self) -> Deferred[None]:
        async def stop() -> None:
            for server in self.servers:
                await server.stop()

        return Deferred.fromCoroutine(stop())

    def serve(self, pair: Pair | None, host: str = "localhost") -> Server:
        """Another server."""
        server = Server(reactor, pair, host)
        self.servers.append(server)
        return server

    def wall(self) -> float:
        return NOW + self.clock.seconds()

    def client(self) -> Client:
        trust = Trust(self.trusted, in_place, self.clock.seconds, system=False)
        return Client(reactor, self.clock, trust, self.ways)

    def _wake(self) -> None:
        self.wakes += 1

    def in_use(self) -> Collection[str] | None:
        return self.used

    def start(self) -> ImageCache:
        """The cache of a daemon that starts now."""
        proofs = Proofs(in_place, self.wall, self.verify, self._wake)
        fetching = Fetching(
            client=self.client(),
            clock=self.clock,
            wall=self.wall,
            in_thread=in_place,
            shelf=Shelf(os.path.join(self.directory, "imagecache")),
            proofs=proofs,
            bounds=self.bounds,
            boot=self.boot,
            in_use=self.in_use,
            tell=self.news.append,
        )
        return ImageCache(fetching=fetching, tell=self.news.append, woken=self._wake)

    def documents(self) -> Documents:
        """The documents of a daemon that starts now."""
        return Documents(
            client=self.client(),
            clock=self.clock,
            wall=self.wall,
            in_thread=in_place,
            copies=Copies(os.path.join(self.directory, "imagecache")),
            waits=self.bounds.waits,
            tell=self.news.append,
            woken=self._wake,
        )

    def put(self, body: bytes, **how: Any) -> str:
        """Have the server give this as its image; the address."""
        self.server.files["/image.iso"] = Served(body, **how)
        return self.server.url("/image.iso")

    async def fetched(self, url: str) -> bytes:
        """The content of the image after the server was asked once more, in vain or not."""
        with contextlib.suppress(FetchError):
            await self.cache.fetch(url)
        return await self.content(url)

    async def content(self, url: str, **wanted: Any) -> bytes:
        """The content of the image as the cache gives it now."""
        with open((await self.image(url, **wanted)).path, "rb") as file:
            return file.read()

    async def image(self, url: str, **wanted: Any) -> Image:
        """The image as the cache gives it now."""
        return await self.cache.image(Wanted(reference=url, directory="/nowhere", **wanted))

    async def missing(self, url: str, **wanted: Any) -> str:
        """Why the cache does not give it."""
        try:
            await self.image(url, **wanted)
        except ImageMissing as error:
            return str(error)
        raise self.failureException(f"{url} is there")

    async def failed(self, url: str, **how: Any) -> str:
        """Why it cannot be fetched."""
        try:
            await self.cache.fetch(url, **how)
        except FetchError as error:
            return str(error)
        raise self.failureException(f"{url} was fetched")

    def hold(self, url: str, body: bytes) -> None:
        """A good copy of the image is here, of long ago, before its server is asked again."""
        shelf, sha256 = self.cache.fetching.shelf, hashlib.sha256(body).hexdigest()
        os.makedirs(shelf.images, exist_ok=True)
        part = os.path.join(self.directory, "held")
        with open(part, "wb") as file:
            file.write(body)
        version = Version(
            file=file_name(url, sha256),
            sha256=sha256,
            size=len(body),
            validators=Validators(etag='"held"'),
            fetched_at=NOW - 86_400,
            used_at=NOW,
        )
        shelf.put(url, part, identity_of(os.stat(part)), version, 1.0)

    def done(self, url: str) -> int:
        """How many bytes are here of what is being fetched."""
        progress = self.cache.progress(url)
        return 0 if progress is None else progress.done

    async def until(self, true: Callable[[], object]) -> None:
        """Let the reactor turn until something is so: bytes take their time on the loopback."""
        until = reactor.seconds() + PATIENCE
        while not true():
            if reactor.seconds() > until:
                raise self.failureException(f"not so within {PATIENCE:.0f} s")
            await deferLater(reactor, 0.001)

    def left(self) -> list[str]:
        """The files of the cache, without index and locks."""
        found = []
        for directory, _, files in os.walk(os.path.join(self.directory, "imagecache")):
            found += [
                os.path.relpath(os.path.join(directory, name), self.directory)
                for name in files
                if name != "index.json" and not name.endswith("lock")
            ]
        return sorted(found)
