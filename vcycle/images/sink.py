"""A file that grows as a download comes: written and hashed in a thread, never faster than it."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any, Callable

from attrs import define, field
from twisted.internet.defer import Deferred

from vcycle.core.errors import CallTimedOut, FetchError, VcycleError
from vcycle.images.files import told
from vcycle.interfaces import RunInThread

HIGH_BYTES = 4 << 20
"""What may wait for the thread before the server has to."""

LOW_BYTES = 1 << 20
PIECES = 512
"""Pieces that are written by one call: fewer than a system takes at once."""

FLUSH_BYTES = 64 << 20
"""After so many bytes the disk is set to work, so that the end does not have to wait for all."""

SYNC_SECONDS = 600.0


@define(eq=False)
class Sink:
    """
    Takes pieces on the reactor thread; one call at a time writes them in another.

    ``size`` and ``running`` are the length and hash of what the file held before; at most
    ``most`` bytes are taken.
    """

    _in_thread: RunInThread
    _path: str
    _fd: int
    size: int
    running: Any
    most: int
    _pause: Callable[[], None] = field(default=lambda: None, init=False)
    _resume: Callable[[], None] = field(default=lambda: None, init=False)
    _waiting: list[bytes] = field(factory=list, init=False)
    _waiting_bytes: int = field(default=0, init=False)
    _writing: bool = field(default=False, init=False)
    _paused: bool = field(default=False, init=False)
    _flushed: int = field(default=0, init=False)
    _failure: FetchError | None = field(default=None, init=False)
    _idle: list[Deferred[None]] = field(factory=list, init=False)

    def follow(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        """How whoever writes here is made to wait."""
        self._pause, self._resume = pause, resume

    def write(self, data: bytes) -> None:
        """
        One more piece.

        :raises FetchError: it is too much, or what came before could not be written.
        """
        if self._failure is not None:
            raise self._failure
        self.size += len(data)
        if self.size > self.most:
            raise FetchError(f"it is longer than {self.most} bytes, the most that is fetched")
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if not self._writing:
            Deferred.fromCoroutine(self._drain())
        if self._waiting_bytes >= HIGH_BYTES and not self._paused:
            self._paused = True
            self._pause()

    async def _drain(self) -> None:
        self._writing = True
        try:
            while self._waiting and self._failure is None:
                pieces, self._waiting = self._waiting[:PIECES], self._waiting[PIECES:]
                self._waiting_bytes -= sum(map(len, pieces))
                await self._in_thread(lambda: self._put(pieces))  # noqa: B023
                if self._paused and self._waiting_bytes < LOW_BYTES:
                    self._paused = False
                    self._resume()
        except FetchError as error:
            self._failure = error
        except CallTimedOut as error:
            self._failure = FetchError(f"{self._path}: the disk does not answer: {error}")
            self._fd = -1  # a thread may write there yet: the number must not be given out again
        except VcycleError as error:
            self._failure = FetchError(str(error))
        finally:
            self._writing = False
            if self._failure is not None and self._paused:
                self._paused = False
                self._resume()
            idle, self._idle = self._idle, []
            for waiter in idle:
                waiter.callback(None)

    def _put(self, pieces: list[bytes]) -> None:
        """In the thread."""
        with told(self._path):
            written = os.writev(self._fd, pieces)
            if written < sum(map(len, pieces)):
                rest = memoryview(b"".join(pieces))[written:]
                while rest:
                    rest = rest[os.write(self._fd, rest) :]
            for piece in pieces:
                self.running.update(piece)
            at = os.lseek(self._fd, 0, os.SEEK_CUR)
            if at - self._flushed >= FLUSH_BYTES:
                os.posix_fadvise(self._fd, self._flushed, 0, os.POSIX_FADV_DONTNEED)
                self._flushed = at

    async def settle(self) -> None:
        """
        Wait until all that came is written.

        :raises FetchError: it could not be.
        """
        while self._writing:
            idle: Deferred[None] = Deferred()
            self._idle.append(idle)
            await idle
        if self._failure is not None:
            raise self._failure

    async def finish(self) -> str:
        """
        All is there: make it durable, and give its SHA-256.

        :raises FetchError: it could not be written.
        """
        await self.settle()

        def sync() -> str:
            with told(self._path):
                os.fsync(self._fd)
            digest: str = self.running.hexdigest()
            return digest

        return await self._in_thread(sync, SYNC_SECONDS)

    async def close(self) -> None:
        """Close the file, whatever happened; what came stays."""
        self._pause = self._resume = lambda: None
        with suppress(FetchError):
            await self.settle()
        fd, self._fd = self._fd, -1
        if fd >= 0:
            await self._in_thread(lambda: os.close(fd))
