"""A file that grows and is hashed on the way, past the page cache where that can be. It blocks."""

from __future__ import annotations

import errno
import mmap
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

BLOCK_BYTES = 4 << 20
"""What is hashed and written at a time; what a killed process had not written yet is less."""

ALIGNMENT = 4096
"""Offsets and lengths that go past the page cache are multiples of it."""

SYNC_BYTES = 128 << 20
"""Where the page cache is used it is emptied after so much: others' syncs would have to wait."""


class GrowingFile:
    """
    Appends to the file ``fd`` of ``path``, which has ``size`` bytes with the hash ``running``.

    An image is not read again soon, and so large that the page cache would throw all else out;
    past it, a download also costs half the time. Filesystems that cannot do so need not.
    """

    def __init__(self, path: str, fd: int, size: int, running: Any) -> None:
        self._fd = fd
        self._written = self._synced = size
        self._running = running
        # They begin at a page, as the kernel wants it; one is written while the other is filled.
        self._buffer, self._other = mmap.mmap(-1, BLOCK_BYTES), mmap.mmap(-1, BLOCK_BYTES)
        self._fill = 0
        self._writing: threading.Thread | None = None
        self._failure: OSError | None = None
        self._direct: int | None = None
        if size % ALIGNMENT == 0:
            with suppress(OSError):
                self._direct = os.open(path, os.O_WRONLY | os.O_DIRECT | os.O_CLOEXEC)

    def write(self, pieces: Iterable[bytes]) -> None:
        """:raises OSError: it cannot be written; the file is of no use any more."""
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                some = rest[: BLOCK_BYTES - self._fill]
                self._buffer[self._fill : self._fill + len(some)] = some
                self._fill += len(some)
                rest = rest[len(some) :]
                if self._fill == BLOCK_BYTES:
                    self._put()

    def finish(self) -> str:
        """
        All was given: make it durable, and give its SHA-256.

        :raises OSError: as ``write``.
        """
        self._put()
        self._settle()
        os.fsync(self._fd)
        digest: str = self._running.hexdigest()
        return digest

    def close(self) -> None:
        """Close it, with all that was given."""
        with suppress(OSError):
            self._put()
        with suppress(OSError):
            self._settle()
        if self._direct is not None:
            os.close(self._direct)
        os.close(self._fd)
        self._buffer.close()
        self._other.close()

    def close_beside(self) -> None:
        """Close it in a thread of its own, that nobody waits for; does not block."""
        threading.Thread(target=self.close, daemon=True).start()

    def _put(self) -> None:
        """Have what was filled written, and hash it meanwhile."""
        self._settle()
        buffer, fill, self._fill = self._buffer, self._fill, 0
        self._buffer, self._other = self._other, buffer
        # A daemon's end does not wait for a disk that hangs.
        self._writing = threading.Thread(target=self._write, args=(buffer, fill), daemon=True)
        self._writing.start()
        with memoryview(buffer) as whole, whole[:fill] as some:
            self._running.update(some)

    def _settle(self) -> None:
        """Wait for what is being written; raises OSError if it could not be."""
        if self._writing is not None:
            self._writing.join()
            self._writing = None
        if self._failure is not None:
            raise self._failure

    def _write(self, buffer: mmap.mmap, fill: int) -> None:
        """In a thread of its own."""
        try:
            self._append(buffer, fill)
        except OSError as error:
            self._failure = error

    def _append(self, buffer: mmap.mmap, fill: int) -> None:
        with memoryview(buffer) as whole, whole[:fill] as some:
            whole_pages = len(some) - len(some) % ALIGNMENT
            at = 0
            while self._direct is not None and at < whole_pages:
                try:
                    at += os.pwrite(self._direct, some[at:whole_pages], self._written + at)
                except OSError as error:
                    if error.errno != errno.EINVAL:
                        raise
                    os.close(self._direct)  # this filesystem cannot do it after all
                    self._direct = None
                if at % ALIGNMENT:
                    break
            while at < len(some):
                at += os.pwrite(self._fd, some[at:], self._written + at)
            self._written += at
        if self._direct is None and self._written - self._synced >= SYNC_BYTES:
            os.fdatasync(self._fd)
            self._synced = self._written
