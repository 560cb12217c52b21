"""All that keeps documents keeps the same promises."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.contracts.documents import DocumentsContract
from tests.images.case import CacheCase
from tests.images.https import Served
from vcycle.testing.images import MemoryDocuments


class MemoryDocumentsTests(DocumentsContract, TestCase):
    def setUp(self) -> None:
        self.now = 1_000_000.0
        self.memory = self.kept = MemoryDocuments(lambda: self.now)

    def give(self, name: str, body: bytes | None) -> str:
        url = f"https://example.com/{name}"
        self.memory.servers.pop(url, None)
        if body is not None:
            self.memory.servers[url] = body
        return url

    def pass_by(self, seconds: float) -> None:
        self.now += seconds

    def moment(self) -> float:
        return self.now

    async def turn(self) -> None:
        self.now += 0.0


class DocumentsTests(DocumentsContract, CacheCase):
    """Those that are fetched from a real server, and kept on disk."""

    def setUp(self) -> None:
        CacheCase.setUp(self)
        documents = self.kept = self.documents()
        # Before the server stops: cleaning up goes backwards.
        idle = self.until(lambda: not documents.busy)
        self.addCleanup(lambda: Deferred.fromCoroutine(idle))

    def give(self, name: str, body: bytes | None) -> str:
        self.server.files.pop(f"/{name}", None)
        if body is not None:
            self.server.files[f"/{name}"] = Served(body, etag=f'"{hash(body)}"')
        return self.server.url(f"/{name}")

    def pass_by(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def moment(self) -> float:
        return self.wall()

    async def turn(self) -> None:
        await deferLater(reactor, 0.001)
