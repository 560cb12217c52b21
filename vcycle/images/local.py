"""Images and templates that are files of this host already."""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import Callable, TypeVar

from attrs import frozen
from zope.interface import implementer

from vcycle.core.errors import CallTimedOut, ImageMissing
from vcycle.interfaces import IImages, Image, RunInThread, Text, Wanted

R = TypeVar("R")
MAX_TEXT = 1 << 20
FILES = "files"
_KEY = b"PRIVATE KEY-----"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@implementer(IImages)
@frozen
class LocalImages:
    """
    Absolute paths as they are, and names below ``files`` of a machinetype's directory.

    A text may also be in that directory itself, beside ``files``. Others must not be able to read
    a private key there.
    """

    in_thread: RunInThread

    async def image(self, wanted: Wanted) -> Image:
        reference, directory = wanted.reference, wanted.directory

        def look() -> Image:
            path = find(reference, directory)
            os.close(_open(reference, path))
            return Image(path=path)

        return await self._run(reference, look)

    async def text(self, reference: str, directory: str, own: bool = False) -> Text:
        def read() -> Text:
            path = find(reference, directory, own)
            with os.fdopen(_open(reference, path), "rb") as file:
                data = file.read(MAX_TEXT + 1)
                mode = os.fstat(file.fileno()).st_mode
            if len(data) > MAX_TEXT:
                raise ImageMissing(f"{path} is larger than {MAX_TEXT} bytes; make it smaller")
            if own and mode & 0o007 and _KEY in data and not os.path.isabs(reference):
                raise ImageMissing(
                    f"{path}: everybody may read or change the private key in it; chmod o= it"
                )
            return Text(body=data)

        return await self._run(reference, read)

    async def _run(self, reference: str, work: Callable[[], R]) -> R:
        try:
            return await self.in_thread(work)
        except CallTimedOut as error:
            raise ImageMissing(f"{reference}: the disk does not answer: {error}") from error


def find(reference: str, directory: str, own: bool = False) -> str:
    """
    The path that a reference stands for, whether or not anything is there; ``own`` as in IImages.

    :raises ImageMissing: it is none, or leads to where no files of the machinetype are.
    """
    if _URL.match(reference):
        raise ImageMissing(
            f"{reference}: here only files are looked for; put one there, and give its path"
        )
    if not reference or "\0" in reference:
        raise ImageMissing(f"{reference!r} is no path; give that of a file")
    if os.path.isabs(reference):
        return reference
    place = os.path.realpath(os.path.join(directory, FILES))
    if own and "/" not in reference and not os.path.lexists(os.path.join(place, reference)):
        beside = os.path.realpath(directory)
        if os.path.lexists(os.path.join(beside, reference)):
            place = beside
    path = os.path.realpath(os.path.join(place, reference))
    if ".." in reference.split("/") or not path.startswith(place + os.sep):
        raise ImageMissing(f"{reference} leads out of {place}; put the file below it")
    return path


def _open(reference: str, path: str) -> int:
    """Open a regular file that holds something; whatever else it is, never wait for it."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ImageMissing(f"{reference}: {path}: {error.strerror}; {_cure(error)}") from error
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise ImageMissing(f"{reference}: {path} is not a regular file; put one there")
        if found.st_size == 0:
            raise ImageMissing(f"{reference}: {path} is empty; put the whole file there")
    except BaseException:
        os.close(fd)
        raise
    return fd


def _cure(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return "let the daemon's user read it"
    return "put the file there"
