"""Downloads that are not whole yet: a file of what came, and one of what it is of. All blocks."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from typing import Any

from attrs import asdict, frozen

from vcycle.core.images.exchange import Part
from vcycle.core.images.indextext import validators
from vcycle.images.files import (
    give,
    make_directory,
    read_file,
    remove_file,
    take_lock,
    told,
    write_file,
)
from vcycle.images.growing import ALIGNMENT

MAX_NOTE = 65_536
KEY_LETTERS = 32
PRIVATE = 0o600


def key_of(url: str) -> str:
    """The name under which something of an address is kept, where its own would not do."""
    return hashlib.sha256(url.encode("utf-8")).hexdigest()[:KEY_LETTERS]


@frozen
class PartFile:
    """
    The download of one address: ``path`` has the bytes, ``note`` tells of what.

    ``boot`` names this boot of the host. What was written before the host itself went down may
    never have reached the disk, and so counts as lost; what a killed process wrote does not.
    """

    directory: str
    url: str
    boot: str

    @property
    def path(self) -> str:
        return os.path.join(self.directory, f"{key_of(self.url)}.part")

    @property
    def note(self) -> str:
        return os.path.join(self.directory, f"{key_of(self.url)}.json")

    @property
    def lock(self) -> str:
        return os.path.join(self.directory, f"{key_of(self.url)}.lock")

    def take(self) -> int | None:
        """Keep all others from it until this file number is closed; None if another has it."""
        with told(self.lock):
            make_directory(self.directory)
            return take_lock(self.lock)

    def read(self) -> Part | None:
        """What is here of it, if it can be of use."""
        with told(self.note):
            data = read_file(self.note, MAX_NOTE)
        note = _object(data)
        length = note.get("length")
        if note.get("url") != self.url or not self.boot or note.get("boot") != self.boot:
            return None
        if length is not None and (type(length) is not int or not 0 < length < 1 << 60):
            return None
        try:
            size = os.stat(self.path, follow_symlinks=False).st_size
        except OSError:
            return None
        if length is not None and size > length:
            return None
        if size != length:
            size -= size % ALIGNMENT
        if not size:
            return None
        return Part(size=size, length=length, validators=validators(note.get("validators")))

    def begin(self, part: Part) -> int:
        """
        Have an empty file for a new download, or the one that is continued; gives it open.

        :raises FetchError: it cannot be written.
        """
        with told(self.path):
            make_directory(self.directory)
            if part.size == 0:
                remove_file(self.note)
                remove_file(self.path)
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                fd = os.open(self.path, flags, PRIVATE)
            else:
                fd = os.open(self.path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                self._prepare(fd, part)
            except BaseException:
                os.close(fd)
                raise
            return fd

    def _prepare(self, fd: int, part: Part) -> None:
        if part.size == 0:
            give(fd)
            note = {"url": self.url, "boot": self.boot, **asdict(part)}
            write_file(self.note, json.dumps(note).encode("ascii"))
        else:
            os.truncate(fd, part.size)
            os.lseek(fd, part.size, os.SEEK_SET)

    def drop(self) -> None:
        """Forget it."""
        with suppress(OSError):
            remove_file(self.note)
            remove_file(self.path)


def _object(data: bytes | None) -> dict[str, Any]:
    try:
        value = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        value = {}
    return value if isinstance(value, dict) else {}
