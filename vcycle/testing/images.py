"""Images in memory, held to the same contract as those on disk."""

from __future__ import annotations

import posixpath

from attrs import Factory, define
from zope.interface import implementer

from vcycle.core.errors import ImageMissing
from vcycle.interfaces import IImages, Image, Wanted


@implementer(IImages)
@define
class MemoryImages:
    """``files`` are contents by absolute path; ``max_text`` bounds what ``text`` gives."""

    files: dict[str, bytes] = Factory(dict)
    max_text: int = 1 << 20

    async def image(self, wanted: Wanted) -> Image:
        return Image(path=self._path(wanted.reference, wanted.directory))

    def _path(self, reference: str, directory: str) -> str:
        path = posixpath.normpath(posixpath.join(directory, "files", reference))
        inside = reference.startswith("/") or path.startswith(directory + "/files/")
        if "://" in reference or not inside or not self.files.get(path):
            raise ImageMissing(f"{reference}: {path} is not here; put the file there")
        return path

    async def text(self, reference: str, directory: str) -> bytes:
        path = self._path(reference, directory)
        if len(self.files[path]) > self.max_text:
            raise ImageMissing(f"{path} is larger than {self.max_text} bytes; make it smaller")
        return self.files[path]
