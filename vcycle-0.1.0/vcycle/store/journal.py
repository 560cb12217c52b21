"""
The journal on disk: lines of cycles, compressed each by itself, kept for a time and to a size.

A file of it is a row of gzip members, so ``zcat`` reads it. What a crash cut off is at the end
of a file that nobody writes to any more, and is left out by who reads it.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Callable

from attrs import define, field

from vcycle.core.errors import StoreError
from vcycle.interfaces import RunInThread
from vcycle.store.atomic import make_directory, told

LEVEL = 6
FILES = 24
"""A file holds at most this part of all that may be kept."""

SECONDS = 6 * 3600.0
"""A file is written to for so long."""

PATIENCE = 5.0
"""Seconds for which one line waits for another: what hangs must not take every thread."""

MAX_LINE = 1 << 26
MODE = 0o640
_PART = 1 << 16
_NAME = re.compile(r"([0-9]{12})\.jsonl\.gz")


@define(eq=False)
class Journal:
    """
    Below ``directory``; ``days`` and ``mb`` (MiB) bound what is kept, the oldest goes first.
    """

    directory: str
    days: float
    mb: int
    in_thread: RunInThread
    _path: str | None = field(default=None, init=False)
    _began: float = field(default=0.0, init=False)
    _writing: Lock = field(factory=Lock, init=False)

    async def append(self, encode: Callable[[], bytes], now: float) -> None:
        """
        Write one line, which ``encode`` makes; both in a thread.

        :raises StoreError: it is not written, and what was there is as it was.
        """

        def write() -> None:
            member = gzip.compress(encode() + b"\n", LEVEL, mtime=0)
            if not self._writing.acquire(timeout=PATIENCE):
                raise StoreError(f"{self.directory}: a former line is still being written")
            try:
                with told(self.directory):
                    self._write(member, now)
            finally:
                self._writing.release()

        if self.mb > 0 and self.days > 0:
            await self.in_thread(write)

    def _write(self, member: bytes, now: float) -> None:
        most = self.mb << 20
        path = self._path
        if path is None or not self._goes_on(path, len(member), most, now):
            make_directory(self.directory)
            path = self._path = os.path.join(self.directory, self._new_name(now))
            self._began = now
            self._prune(now, most, max(len(member), most // FILES))
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, MODE)
        try:
            size = os.fstat(fd).st_size
            try:
                view = memoryview(member)
                while view:
                    view = view[os.write(fd, view) :]
            except OSError:
                # Half a member would hide all that is written after it.
                self._path = None
                with suppress(OSError):
                    os.ftruncate(fd, size)
                raise
        finally:
            os.close(fd)

    def _goes_on(self, path: str, more: int, most: int, now: float) -> bool:
        try:
            size = os.stat(path).st_size
        except OSError:
            return False
        return size + more <= most // FILES and 0 <= now - self._began < SECONDS

    def _new_name(self, now: float) -> str:
        """Later than all names there are, whatever the clock was set to."""
        last = [number for number, _ in files(self.directory)][-1:]
        number = max([int(now), *(n + 1 for n in last)])
        return f"{number:012d}.jsonl.gz"

    def _prune(self, now: float, most: int, more: int) -> None:
        """Room for ``more`` bytes, and nothing older than may be kept."""
        kept = files(self.directory)
        sizes = {path: _size(path) for _, path in kept}
        total = sum(sizes.values()) + more
        for number, path in kept:
            # The name says when its first line was written; its last is younger.
            old = number + SECONDS < now - self.days * 86400
            if total <= most and not old:
                break
            with suppress(FileNotFoundError):
                os.unlink(path)
            total -= sizes[path]


def files(directory: str) -> list[tuple[int, str]]:
    """The files of a journal, the oldest first: the moment of their first line, and the path."""
    try:
        names = sorted(os.listdir(directory))
    except FileNotFoundError:
        return []
    found = [(match, name) for name in names if (match := _NAME.fullmatch(name)) is not None]
    return [(int(match[1]), os.path.join(directory, name)) for match, name in found]


def lines(directory: str, since: float | None = None) -> Iterator[bytes]:
    """
    The lines of a journal, the oldest first; of files that hold nothing since then none. Blocks.

    :raises StoreError: it cannot be read.
    """
    with _readable(directory):
        found = files(directory)
    for index, (_, path) in enumerate(found):
        after = found[index + 1][0] if index + 1 < len(found) else None
        if since is None or after is None or after >= since:
            yield from _members(path)


@contextmanager
def _readable(path: str) -> Iterator[None]:
    """As ``told``, to who reads: it may be somebody else than the daemon."""
    with told(path):
        try:
            yield
        except PermissionError:
            cure = "be root, or become a member of the daemon's group and log in again"
            raise StoreError(f"{path}: not permitted; {cure}") from None


def _members(path: str) -> Iterator[bytes]:
    """The whole lines of one file, up to what was cut off or damaged."""
    try:
        with _readable(path), open(path, "rb") as file:
            data = b""
            while True:
                member, line = zlib.decompressobj(wbits=31), bytearray()
                while not member.eof:
                    data = data or file.read(_PART)
                    if not data or len(line) > MAX_LINE:
                        return
                    line += member.decompress(data, MAX_LINE)
                    data = member.unconsumed_tail or member.unused_data
                yield bytes(line)
    except (zlib.error, FileNotFoundError):
        return


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
