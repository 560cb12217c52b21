"""The promises of IDocuments, to be run against all that keeps documents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from zope.interface.verify import verifyObject

from vcycle.core.errors import FetchError, ImageMissing
from vcycle.interfaces import Document, IDocuments

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase as Base
else:
    Base = ABC

BODY = b'{"vacuum_pipe_version": "1"}'
MOST = 1000


class DocumentsContract(Base):
    """Mix into a TestCase with ``kept``, and ``give`` and ``pass_by``."""

    kept: IDocuments

    @abstractmethod
    def give(self, name: str, body: bytes | None) -> str:
        """Have a server give this under a name, or nothing; the address."""

    @abstractmethod
    def pass_by(self, seconds: float) -> None:
        """Let time pass."""

    @abstractmethod
    def moment(self) -> float:
        """The time in Unix seconds."""

    @abstractmethod
    async def turn(self) -> None:
        """Let what was begun go on."""

    async def soon(self, url: str, max_age: float, body: bytes) -> Document:
        """The document, once it has this body, asked for again and again."""
        while True:
            try:
                found = await self.kept.document(url, MOST, max_age)
                if found.body == body:
                    return found
            except ImageMissing:
                pass
            await self.turn()

    async def refused(self, url: str, most: int = MOST) -> str:
        try:
            await self.kept.document(url, most, 1e9)
        except ImageMissing as error:
            return str(error)
        raise self.failureException("it is there")

    async def in_vain(self, url: str, most: int = MOST) -> str:
        try:
            await self.kept.fetch(url, most)
        except FetchError as error:
            return str(error)
        raise self.failureException("it was fetched")

    def test_interface(self) -> None:
        """It declares and provides the whole interface."""
        self.assertTrue(verifyObject(IDocuments, self.kept))

    async def test_given(self) -> None:
        """A document comes, by itself or as it is waited for, with its time."""
        url, at = self.give("a", BODY), self.moment()
        found = await self.soon(url, 60.0, BODY)
        self.assertEqual((url, at, None), (found.url, found.fetched_at, found.problem))
        other = self.give("b", BODY)
        self.assertEqual(BODY, (await self.kept.fetch(other, MOST)).body)

    async def test_newer(self) -> None:
        """What is older than max_age is asked for again; younger is not."""
        url = self.give("a", BODY)
        await self.kept.fetch(url, MOST)
        self.give("a", BODY + b" ")
        self.pass_by(30)
        self.assertEqual(BODY, (await self.kept.document(url, MOST, 60.0)).body)
        self.pass_by(30)
        await self.soon(url, 60.0, BODY + b" ")

    async def test_good_copy(self) -> None:
        """When it cannot be had any more the good copy is given, with the reason."""
        url, at = self.give("a", BODY), self.moment()
        await self.kept.fetch(url, MOST)
        self.give("a", None)
        self.assertIn(url, await self.in_vain(url))
        self.pass_by(100)
        await self.kept.document(url, MOST, 60.0)
        while (await self.kept.document(url, MOST, 1e9)).problem is None:
            await self.turn()
        found = await self.kept.document(url, MOST, 1e9)
        self.assertEqual((BODY, at), (found.body, found.fetched_at))

    async def test_nothing(self) -> None:
        """What was never had is missing, and its address is named."""
        url = self.give("gone", None)
        self.assertIn(url, await self.in_vain(url))
        self.assertIn(url, await self.refused(url))

    async def test_bounded(self) -> None:
        """What is too large is refused, however it came."""
        url = self.give("a", BODY)
        self.assertIn("larger than 5 bytes", await self.in_vain(url, 5))
        await self.kept.fetch(url, MOST)
        self.assertIn("larger than 5 bytes", await self.refused(url, 5))
