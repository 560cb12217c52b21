"""Tests for vcycle.images.found: images wherever they are."""

from __future__ import annotations

import hashlib
import os

from attrs import astuple

from tests.images.case import CacheCase
from tests.inplace import in_place
from vcycle.core.errors import ImageMissing
from vcycle.core.images.needs import Need
from vcycle.images.found import FoundImages
from vcycle.images.local import LocalImages
from vcycle.images.proofs import REFUSED_SECONDS, Proofs
from vcycle.interfaces import Image, Wanted

GOOD = b"good" * 1000


class FoundTests(CacheCase):
    def setUp(self) -> None:
        super().setUp()
        self.verified: list[str] = []
        self.found = FoundImages(
            cache=self.cache,
            documents=self.documents(),
            local=LocalImages(in_place),
            proofs=Proofs(in_place, self.wall, self._verify),
            in_thread=in_place,
            check_seconds=lambda: 300.0,
        )
        self.path = os.path.join(self.directory, "image")
        self.write(GOOD)

    def _verify(self, path: str, expression: str) -> str:
        self.verified.append(path)
        if expression != "/CN=good":
            raise ImageMissing(f"{path}: signed by another")
        return "/CN=good"

    def write(self, content: bytes) -> None:
        with open(self.path, "wb") as file:
            file.write(content)

    async def local(self, **wanted: str) -> Image:
        wish = Wanted(reference=self.path, directory="/nowhere", **wanted)
        return await self.found.image(wish)

    async def refused(self, **wanted: str) -> str:
        try:
            await self.local(**wanted)
        except ImageMissing as error:
            return str(error)
        raise self.failureException("it is there")

    async def test_both(self) -> None:
        """Files are given as they are, addresses through the cache, templates too."""
        self.assertEqual(self.path, (await self.local()).path)
        self.assertEqual(GOOD, (await self.found.text(self.path, "/nowhere")).body)
        url = self.put(GOOD)
        await self.cache.fetch(url)
        image = await self.found.image(Wanted(reference=url, directory="/nowhere"))
        self.assertEqual(url, image.url)
        await self.found.documents.fetch(url, 1 << 20)
        text = await self.found.text(url, "/nowhere")
        self.assertEqual((GOOD, url, self.wall(), None), astuple(text))

    async def test_digest_of_file(self) -> None:
        """A local file must have the digest as well; it is read once for each of its states."""
        sha256 = hashlib.sha256(GOOD).hexdigest()
        self.assertEqual(sha256, (await self.local(sha256=sha256)).sha256)
        self.write(GOOD + b"x")
        self.assertIn(f"not {sha256}", await self.refused(sha256=sha256))

    async def test_signature_of_file(self) -> None:
        """A local file must be signed as well, by the right one."""
        for _ in range(3):
            self.assertEqual("/CN=good", (await self.local(signing_dn="/CN=good")).signed_by)
        self.assertEqual([self.path], self.verified)
        self.assertIn("signed by another", await self.refused(signing_dn="/CN=other"))
        self.clock.advance(86_401)
        await self.local(signing_dn="/CN=good")
        self.assertEqual([self.path] * 3, self.verified)

    async def test_refused_again(self) -> None:
        """A refusal is not for the day: it is asked anew after minutes, an approval is not."""
        await self.local(signing_dn="/CN=good")
        for _ in range(2):
            self.assertIn("another", await self.refused(signing_dn="/CN=other"))
            self.clock.advance(REFUSED_SECONDS - 1)
        self.assertEqual(2, len(self.verified))
        self.clock.advance(2)
        await self.refused(signing_dn="/CN=other")
        await self.local(signing_dn="/CN=good")
        self.assertEqual(3, len(self.verified))


class ForgivenTests(CacheCase):
    def setUp(self) -> None:
        super().setUp()
        self.trusts = True

        def verify(path: str, expression: str) -> str:
            if not self.trusts:
                raise ImageMissing(f"{path}: its CRL is out of date")
            return "/CN=signer"

        self.verify = verify
        self.cache = self.start()

    async def test_forgiven(self) -> None:
        """Once an administrator mended the authorities and says so, a refusal is forgotten."""
        url = self.put(GOOD)
        await self.cache.fetch(url)
        self.trusts = False
        self.assertIn("out of date", await self.missing(url, signing_dn=".*"))
        self.trusts = True
        self.assertIn("out of date", await self.missing(url, signing_dn=".*"))
        self.cache.forgive()
        self.assertEqual("/CN=signer", (await self.image(url, signing_dn=".*")).signed_by)

    async def test_distrusted(self) -> None:
        """An approval is asked anew as well, as authorities may have been taken away."""
        url = self.put(GOOD)
        await self.cache.fetch(url, [Need(signing_dn=".*")])
        self.trusts = False
        await self.image(url, signing_dn=".*")
        self.cache.forgive()
        self.assertIn("out of date", await self.missing(url, signing_dn=".*"))
