"""Images and documents in memory, held to the same contracts as the real ones."""

from __future__ import annotations

import posixpath
from typing import Callable

from attrs import Factory, define, evolve
from zope.interface import implementer

from vcycle.core.errors import FetchError, ImageMissing
from vcycle.interfaces import Document, IDocuments, IImages, Image, Wanted


@implementer(IImages)
@define
class MemoryImages:
    """
    ``files`` are contents by absolute path; ``max_text`` bounds what ``text`` gives. ``stale`` are
    images, by their path, as a cache gives them whose servers cannot be asked.
    """

    files: dict[str, bytes] = Factory(dict)
    max_text: int = 1 << 20
    stale: dict[str, Image] = Factory(dict)

    async def image(self, wanted: Wanted) -> Image:
        path = self._path(wanted.reference, wanted.directory)
        return self.stale.get(path, Image(path=path))

    def _path(self, reference: str, directory: str) -> str:
        path = posixpath.normpath(posixpath.join(directory, "files", reference))
        inside = reference.startswith("/") or path.startswith(directory + "/files/")
        if "://" in reference or not inside or not self.files.get(path):
            raise ImageMissing(f"{reference}: {path} is not here; put the file there")
        return path

    async def text(self, reference: str, directory: str, own: bool = False) -> bytes:
        beside = posixpath.join(directory, reference)
        below = posixpath.join(directory, "files", reference)
        bare = "/" not in reference and below not in self.files
        path = beside if own and bare and self.files.get(beside) else ""
        path = path or self._path(reference, directory)
        if len(self.files[path]) > self.max_text:
            raise ImageMissing(f"{path} is larger than {self.max_text} bytes; make it smaller")
        return self.files[path]


@implementer(IDocuments)
@define
class MemoryDocuments:
    """
    ``servers`` are what servers give by URL; what is not there fails. ``held`` are the copies that
    were fetched; ``clock`` gives Unix seconds.
    """

    clock: Callable[[], float]
    servers: dict[str, bytes] = Factory(dict)
    held: dict[str, Document] = Factory(dict)

    async def document(self, url: str, max_bytes: int, max_age: float) -> Document:
        held = self.held.get(url)
        if held is None or held.problem or self.clock() - held.fetched_at >= max_age:
            try:
                held = await self.fetch(url, max_bytes)
            except FetchError as error:
                if held is None:
                    raise ImageMissing(f"{error}; put it there") from error
                held = self.held[url] = evolve(held, problem=str(error))
        if len(held.body) > max_bytes:
            raise ImageMissing(f"{url} is larger than {max_bytes} bytes; make it smaller")
        return held

    async def fetch(self, url: str, max_bytes: int) -> Document:
        body = self.servers.get(url)
        if body is None:
            raise FetchError(f"{url}: 404 Not Found")
        if len(body) > max_bytes:
            raise FetchError(f"{url}: larger than {max_bytes} bytes")
        self.held[url] = Document(url=url, body=body, fetched_at=self.clock())
        return self.held[url]
