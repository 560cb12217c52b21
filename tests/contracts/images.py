"""The promises of IImages, to be run against all that finds images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from zope.interface.verify import verifyObject

from vcycle.core.errors import ImageMissing
from vcycle.interfaces import IImages, Wanted

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase as Base
else:
    Base = ABC


class ImagesContract(Base):
    """
    Mix into a SynchronousTestCase that sets ``images`` and ``directory`` (a machinetype's).
    """

    images: IImages
    directory: str

    @abstractmethod
    def put(self, path: str, content: bytes) -> None:
        """Have a file at a path below ``directory``."""

    async def path(self, reference: str, directory: str) -> str:
        """Where an image is."""
        wanted = Wanted(reference=reference, directory=directory)
        return (await self.images.image(wanted)).path

    def now(self, answer: object) -> Any:
        assert isinstance(answer, Coroutine)
        return self.successResultOf(answer)

    def refused(self, answer: object) -> str:
        assert isinstance(answer, Coroutine)
        return str(self.failureResultOf(answer, ImageMissing).value)

    def test_interface(self) -> None:
        """It declares and provides the whole interface."""
        self.assertTrue(verifyObject(IImages, self.images))

    def test_own_file(self) -> None:
        """A name is that of a file of the machinetype's own."""
        self.put("files/cern.iso", b"image")
        path = f"{self.directory}/files/cern.iso"
        self.assertEqual(path, self.now(self.path("cern.iso", self.directory)))
        self.assertEqual(b"image", self.now(self.images.text("cern.iso", self.directory)).body)

    def test_absolute(self) -> None:
        """An absolute path is used as it is."""
        self.put("elsewhere", b"image")
        path = f"{self.directory}/elsewhere"
        self.assertEqual(path, self.now(self.path(path, "/nowhere")))
        self.assertEqual(b"image", self.now(self.images.text(path, "/nowhere")).body)

    def test_missing(self) -> None:
        """What is not there, or holds nothing, is named with what was looked for."""
        self.put("files/empty", b"")
        for reference in ("gone", "empty", "/gone/for/ever"):
            for find in (self.path, self.images.text):
                self.assertIn(reference, self.refused(find(reference, self.directory)))

    def test_escapes(self) -> None:
        """No name leads out of the machinetype's own files."""
        self.put("secret", b"key")
        self.put("files/x", b"x")
        for reference in ("../secret", "x/../../secret", "..", ".", ""):
            self.refused(self.path(reference, self.directory))
            self.refused(self.images.text(reference, self.directory))

    def test_own(self) -> None:
        """Where it is asked for, a bare name is also that of a file beside ``files``."""
        self.put("hostcert.pem", b"beside")
        self.put("both.pem", b"beside")
        self.put("files/both.pem", b"below")
        for name, content in (("hostcert.pem", b"beside"), ("both.pem", b"below")):
            found = self.now(self.images.text(name, self.directory, own=True))
            self.assertEqual((content, None), (found.body, found.problem))
        self.refused(self.images.text("hostcert.pem", self.directory))
        self.refused(self.path("hostcert.pem", self.directory))
        up = f"../{self.directory.rpartition('/')[2]}/hostcert.pem"
        for name in (up, "../hostcert.pem", "./hostcert.pem", "files/both.pem", "files"):
            self.refused(self.images.text(name, self.directory, own=True))

    def test_urls(self) -> None:
        """What would have to be fetched is not here."""
        for reference in ("https://example.com/image", "http://example.com/image"):
            self.assertIn(reference, self.refused(self.path(reference, self.directory)))
            self.refused(self.images.text(reference, self.directory))

    def test_bounded_text(self) -> None:
        """A file that is too large to be a template is refused, though it may be an image."""
        self.put("files/large", b"x" * ((1 << 20) + 1))
        self.now(self.path("large", self.directory))
        self.assertIn("large", self.refused(self.images.text("large", self.directory)))
        self.put("files/just", b"x" * (1 << 20))
        self.assertEqual(1 << 20, len(self.now(self.images.text("just", self.directory)).body))
