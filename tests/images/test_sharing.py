"""Two processes on one cache: a part is its own from the first byte until it is on the shelf."""

from __future__ import annotations

import os
from typing import Callable, TypeVar

from twisted.internet.defer import Deferred

from tests.images.case import CacheCase
from vcycle.core.errors import CredentialError
from vcycle.core.images.needs import Need
from vcycle.images.authorities import read_authorities
from vcycle.images.signature import verify_image

R = TypeVar("R")
GOOD = b"good" * 50_000
OTHER = b"else" * 50_000
SIGNED = [Need(signing_dn=".*")]


def good(path: str, expression: str) -> str:
    """Everything is signed."""
    return "/CN=signer"


class SharingTests(CacheCase):
    def setUp(self) -> None:
        super().setUp()
        self.verify = good
        self.cache = self.start()
        self.url = self.put(GOOD, etag='"1"')

    async def test_fetched_while_judged(self) -> None:
        """What is being verified is not fetched over by another process."""
        gate: Deferred[None] = Deferred()
        asked: list[str] = []

        async def slowly(work: Callable[[], R], deadline: float | None = None) -> R:
            asked.append("verify")
            await gate
            return work()

        self.cache.fetching.proofs.in_thread = slowly
        first = Deferred.fromCoroutine(self.cache.fetch(self.url, SIGNED))
        await self.until(lambda: asked)
        self.put(OTHER, etag='"2"')
        former, self.cache = self.cache, self.start()
        self.assertIn("another process", await self.failed(self.url, needs=SIGNED))
        gate.callback(None)
        version = await first
        assert version is not None, "it is new"
        with open(former.fetching.shelf.path(version.file), "rb") as file:
            self.assertEqual(GOOD, file.read())
        await self.cache.fetch(self.url, SIGNED)
        self.assertEqual(OTHER, await self.content(self.url, signing_dn=".*"))

    async def test_gone_while_judged(self) -> None:
        """A file that cannot be read is not refused for good: the same is fetched again."""

        def gone(path: str, expression: str) -> str:
            os.unlink(path)
            authorities = read_authorities(self.trusted)
            return verify_image(path, authorities=authorities, expression=None, now=0.0).dn

        self.cache.fetching.proofs.verify = gone
        self.assertIn("No such file", await self.failed(self.url, needs=SIGNED))
        self.assertIsNone(self.cache.fetching.shelf.read().entry(self.url).refused)
        self.cache = self.start()
        await self.cache.fetch(self.url, SIGNED)
        self.assertEqual(GOOD, await self.content(self.url, signing_dn=".*"))

    async def test_no_authorities(self) -> None:
        """What this host cannot judge now stays, and is judged again without another download."""

        def unreadable(path: str, expression: str) -> str:
            raise CredentialError("/ca: Permission denied")

        self.cache.fetching.proofs.verify = unreadable
        self.assertIn("/ca: Permission denied", await self.failed(self.url, needs=SIGNED))
        self.server.asked.clear()
        self.cache = self.start()
        await self.cache.fetch(self.url, SIGNED)
        [asked] = self.server.asked
        self.assertEqual('"1"', asked.headers["if-none-match"])

    async def test_replaced_while_judged(self) -> None:
        """A file that was not judged gets no place on the shelf, though it is as long."""

        def replaced(path: str, expression: str) -> str:
            with open(f"{path}.new", "wb") as file:
                file.write(OTHER)
            os.replace(f"{path}.new", path)
            return "/CN=signer"

        self.cache.fetching.proofs.verify = replaced
        self.assertIn("changed by another", await self.failed(self.url, needs=SIGNED))
        self.assertEqual([], self.left())
        self.cache = self.start()
        await self.cache.fetch(self.url, SIGNED)
        self.assertEqual(GOOD, await self.content(self.url, signing_dn=".*"))
