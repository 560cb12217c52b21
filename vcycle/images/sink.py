"""Takes a download as it comes: written and hashed in a thread, and never faster than that."""

from __future__ import annotations

from contextlib import suppress
from typing import Callable

from attrs import define, field
from twisted.internet.defer import Deferred

from vcycle.core.errors import CallTimedOut, FetchError, VcycleError
from vcycle.images.files import told
from vcycle.images.growing import GrowingFile
from vcycle.interfaces import RunInThread
from vcycle.threads import CallNeverBegan

HIGH_BYTES = 2 << 20
"""What may wait for the thread before the server has to."""

BATCH_BYTES = 1 << 20
"""What is handed to the thread at a time: to go there costs as much as to write little."""

ROOM_BYTES = 64 << 20
"""After so much it is asked whether there is room for more."""

SYNC_SECONDS = 600.0


@define(eq=False)
class Sink:
    """
    Takes pieces on the reactor thread; one call at a time writes them in another.

    ``path`` names the file, which had ``size`` bytes before; at most ``most`` are taken in all.
    ``room`` is called in the thread, and raises FetchError if there is none for more. ``spoiled``
    is whether it said so, or the disk did: then what was written cannot become whole.
    """

    _in_thread: RunInThread
    _path: str
    _file: GrowingFile
    size: int
    most: int
    _room: Callable[[], None] = lambda: None
    spoiled: bool = field(default=False, init=False)
    _hung: bool = field(default=False, init=False)
    _pause: Callable[[], None] = field(default=lambda: None, init=False)
    _resume: Callable[[], None] = field(default=lambda: None, init=False)
    _waiting: list[bytes] = field(factory=list, init=False)
    _waiting_bytes: int = field(default=0, init=False)
    _writing: bool = field(default=False, init=False)
    _paused: bool = field(default=False, init=False)
    _since: int = field(default=0, init=False)
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
        if not self._writing and self._due():
            Deferred.fromCoroutine(self._drain())
        if self._waiting_bytes >= HIGH_BYTES and not self._paused:
            self._paused = True
            self._pause()

    async def _drain(self) -> None:
        self._writing = True
        try:
            while self._due() and self._failure is None:
                pieces, self._waiting, self._waiting_bytes = self._waiting, [], 0
                self._go_on()
                await self._in_thread(lambda: self._put(pieces))  # noqa: B023
        except CallTimedOut as error:
            self._failure = self._unanswered(error)
        except VcycleError as error:
            self.spoiled = True
            self._failure = FetchError(str(error))
        finally:
            self._writing = False
            self._go_on()
            idle, self._idle = self._idle, []
            for waiter in idle:
                waiter.callback(None)

    def _unanswered(self, error: CallTimedOut) -> FetchError:
        """A thread that has begun may write yet: then the file is not touched, nor closed."""
        self._hung = not isinstance(error, CallNeverBegan)
        return FetchError(f"{self._path}: the disk does not answer: {error}")

    def _due(self) -> bool:
        """Is there enough to be written, or nothing more to wait for?"""
        return self._waiting_bytes >= (1 if self._idle else BATCH_BYTES)

    def _go_on(self) -> None:
        if self._paused:
            self._paused = False
            self._resume()

    def _put(self, pieces: list[bytes]) -> None:
        """In the thread."""
        with told(self._path):
            self._file.write(pieces)
        self._since += sum(map(len, pieces))
        if self._since >= ROOM_BYTES:
            self._since = 0
            self._room()

    async def settle(self) -> None:
        """
        Wait until all that came is written.

        :raises FetchError: it could not be.
        """
        while self._writing or (self._waiting and self._failure is None):
            idle: Deferred[None] = Deferred()
            self._idle.append(idle)
            if not self._writing:
                Deferred.fromCoroutine(self._drain())
            await idle
        if self._failure is not None:
            raise self._failure

    async def finish(self) -> str:
        """
        All is there: make it durable, and give its SHA-256.

        :raises FetchError: it could not be written.
        """
        await self.settle()

        def finish() -> str:
            with told(self._path):
                return self._file.finish()

        try:
            return await self._in_thread(finish, SYNC_SECONDS)
        except CallTimedOut as error:
            raise self._unanswered(error) from error
        except FetchError:
            self.spoiled = True
            raise

    async def close(self) -> None:
        """Close the file, whatever happened; what came stays."""
        self._pause = self._resume = lambda: None
        with suppress(FetchError):
            await self.settle()
        if self._hung:
            return
        try:
            await self._in_thread(self._file.close)
        except CallNeverBegan:
            self._file.close_beside()
