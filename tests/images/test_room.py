"""What is wanted is never removed, and what is fetched leaves room for others."""

from __future__ import annotations

import os
from typing import Callable, TypeVar

from tests.images.case import CacheCase
from tests.images.https import Served
from vcycle.core.images.index import Index
from vcycle.core.images.pruning import Pruning, Removal
from vcycle.images import sink
from vcycle.images.fetching import Bounds

R = TypeVar("R")
GOOD = b"good" * 5000
DAY = 86_400.0


class WantedTests(CacheCase):
    async def test_wanted_again(self) -> None:
        """What a machine is about to be made of stays, though it was not used for long."""
        self.bounds = Bounds(waits=self.bounds.waits, budget=30_000)
        self.cache = self.start()
        self.server.files["/other"] = Served(GOOD)
        url, other = self.put(GOOD, etag='"1"'), self.server.url("/other")
        await self.cache.fetch(url)
        self.clock.advance(DAY)
        path = (await self.image(url)).path
        self.assertIn("over image_cache_gb", await self.failed(other))
        self.assertTrue(os.path.exists(path))

    async def test_removed_meanwhile(self) -> None:
        """What another process removes while it is chosen is not given to anybody."""
        url = self.put(GOOD, etag='"1"')
        await self.cache.fetch(url)
        self.clock.advance(DAY)
        fetching = self.cache.fetching
        calls: list[object] = []

        def everything(index: Index) -> Pruning:
            [version] = index.entry(url).versions
            return Pruning(removals=(Removal(url=url, version=version, why="it is a test"),))

        async def in_thread(work: Callable[[], R], deadline: float | None = None) -> R:
            calls.append(work)
            if len(calls) == 2:  # it was looked at, and is to be marked
                fetching.shelf.prune(everything)
            return work()

        fetching.in_thread = in_thread
        self.assertIn("just removed", await self.missing(url))
        await self.until(lambda: self.cache.progress(url) is None)

    async def test_failed_forgotten(self) -> None:
        """Addresses of which nothing ever came are forgotten once nobody asks for them."""
        url = self.server.url("/gone")
        await self.failed(url)
        await self.cache.tidy()
        self.assertIn(url, self.cache.fetching.shelf.read().entries)
        self.clock.advance(3 * DAY)
        await self.cache.tidy()
        self.assertEqual({}, dict(self.cache.fetching.shelf.read().entries))


class LengthTests(CacheCase):
    async def test_no_length(self) -> None:
        """What does not say how long it is leaves room too, and nothing of it stays."""
        self.patch(sink, "ROOM_BYTES", 8192)
        self.cache.fetching.free = lambda directory: 999_999_999
        self.assertIn("are not for images", await self.failed(self.put(GOOD, length=False)))
        parts = os.listdir(self.cache.fetching.shelf.parts)
        self.assertEqual([], [name for name in parts if not name.endswith(".lock")])
