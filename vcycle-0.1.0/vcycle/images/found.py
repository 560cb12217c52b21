"""Images and templates wherever they are: of servers through the cache, and of this host."""

from __future__ import annotations

import os
from typing import Callable

from attrs import define, evolve
from zope.interface import implementer

from vcycle.core.errors import ImageMissing
from vcycle.core.images.address import is_url
from vcycle.core.images.needs import Need
from vcycle.images.cache import ImageCache
from vcycle.images.documents import Documents
from vcycle.images.local import MAX_TEXT, LocalImages
from vcycle.images.proofs import Identity, Proofs, identity_of
from vcycle.interfaces import IImages, Image, RunInThread, Wanted


@implementer(IImages)
@define(eq=False, kw_only=True)
class FoundImages:
    """As IImages says; ``check_seconds`` is how old a template may be until its server is asked."""

    cache: ImageCache
    documents: Documents
    local: LocalImages
    proofs: Proofs
    in_thread: RunInThread
    check_seconds: Callable[[], float]

    async def image(self, wanted: Wanted) -> Image:
        if is_url(wanted.reference):
            return await self.cache.image(wanted)
        image = await self.local.image(wanted)
        if wanted.sha256 is None and wanted.signing_dn is None:
            return image
        return await self._proven(image, wanted)

    async def text(self, reference: str, directory: str, own: bool = False) -> bytes:
        if not is_url(reference):
            return await self.local.text(reference, directory, own)
        seconds = self.check_seconds()
        return (await self.documents.document(reference, MAX_TEXT, seconds)).body

    async def _proven(self, image: Image, wanted: Wanted) -> Image:
        """A file of this host is read once for each state of it, beside the cycle."""
        identity = await self.in_thread(lambda: _identity(image.path))
        sha256 = image.sha256
        if wanted.sha256 is not None:
            sha256 = self.proofs.sha256(image.path, identity)
            refusal = Need(sha256=wanted.sha256).refusal(sha256)
            if refusal is not None:
                raise ImageMissing(f"{wanted.reference}: {refusal}")
        signer = None
        if wanted.signing_dn is not None:
            signer = self.proofs.signer(image.path, identity, wanted.signing_dn)
        return evolve(image, sha256=sha256, signed_by=signer)


def _identity(path: str) -> Identity:
    try:
        return identity_of(os.stat(path))
    except OSError as error:
        raise ImageMissing(f"{path}: {error.strerror}; put the file there") from error
