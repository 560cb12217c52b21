"""One file fetched whole, or nothing; what is here already is not fetched again."""

from __future__ import annotations

import os
from collections.abc import Awaitable
from typing import Callable

from attrs import define, field, frozen
from twisted.internet.interfaces import IReactorTime

from vcycle.core.errors import CallTimedOut, FetchError
from vcycle.core.images.exchange import (
    Aim,
    Content,
    Part,
    Unchanged,
    Useless,
    Validators,
    ask,
    understand,
)
from vcycle.core.images.states import Progress, amount
from vcycle.images.client import Client
from vcycle.images.files import hashed, told
from vcycle.images.growing import GrowingFile
from vcycle.images.parts import PartFile
from vcycle.images.patience import Patience, Waits
from vcycle.images.proofs import Identity, identity_of
from vcycle.images.reply import Reply
from vcycle.images.sink import SYNC_SECONDS, Sink
from vcycle.interfaces import RunInThread
from vcycle.threads import CallNeverBegan

QUESTIONS = 12
"""The most that is asked for one file: connections break, and files change meanwhile."""


@frozen(kw_only=True)
class Got:
    """
    A whole download at ``path``, durable; ``identity`` tells that file from any other there.
    ``proven`` is whether the server said how long it is; without that only a digest or a signature
    tells that nothing is missing.
    """

    path: str
    identity: Identity
    size: int
    sha256: str
    validators: Validators
    resumed: int
    proven: bool


@define(eq=False)
class Download:
    """
    Fetches one address into its part. ``most`` bounds its bytes; ``admit`` is told how many more
    will come, before they do, and ``room``, which blocks, is called now and then as they do; both
    may raise FetchError. With ``confirm`` the server is asked at the end whether the file is still
    the one that it began to send.

    ``progress`` is how far it is, ``resumed`` how much of it was here before. The
    errors' texts do not name the address.
    """

    client: Client
    clock: IReactorTime
    in_thread: RunInThread
    part_file: PartFile
    waits: Waits
    most: int
    admit: Callable[[int], Awaitable[None]]
    room: Callable[[], None] = lambda: None
    confirm: bool = True
    progress: Progress = field(factory=Progress, init=False)
    _part: Part | None = field(default=None, init=False)
    resumed: int = field(default=0, init=False)
    _proven: bool = field(default=True, init=False)
    _whole: tuple[int, str] | None = field(default=None, init=False)
    _lock: int | None = field(default=None, init=False)

    async def fetch(self, known: Validators | None) -> Got | None:
        """
        Fetch it; None if it is still what ``known`` is of. Nobody else changes the part from then
        on until ``release``, which has to be called whatever comes of this.

        :raises FetchError: it was not had whole. What came stays, and is continued next time if
            the server can prove that it is of the same file.
        """
        self._lock = await self.in_thread(self.part_file.take)
        if self._lock is None:
            raise FetchError("another process is fetching it")
        self._part = await self.in_thread(self.part_file.read)
        patience = Patience(self.clock, self.waits)
        for _ in range(QUESTIONS):
            if await self._ask(known, patience):
                return await self._got()
        raise FetchError("it breaks or changes again and again while it is fetched")

    async def release(self) -> None:
        """Let others have the part; if nobody was kept from it nothing happens."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        try:
            await self.in_thread(lambda: os.close(lock))
        except CallNeverBegan:
            os.close(lock)
        except CallTimedOut:
            pass  # the thread that is late closes it

    async def _ask(self, known: Validators | None, patience: Patience) -> bool:
        """One question and its answer; whether nothing more has to be asked."""
        question = ask(known, self._part)
        reply = await self.client.ask(self.part_file.url, question.headers, patience)
        try:
            answer = understand(question, self._part, reply.status, reply.headers, reply.length)
        except FetchError:
            reply.drop()
            raise
        if isinstance(answer, Useless):
            reply.drop()
            await self._drop()
            return False
        if isinstance(answer, Unchanged) or self._is_same(question.aim, known, answer):
            reply.drop()
            if question.aim is Aim.NEWER:
                self._part = None
            return True
        try:
            await self._admit(answer)
        except BaseException:
            reply.drop()
            raise
        return await self._receive(reply, answer)

    def _is_same(self, aim: Aim, known: Validators | None, answer: Content) -> bool:
        """A server that ignores conditions gives all again, of what is here."""
        if aim is Aim.NEWER and known is not None:
            return known.same(answer.validators)
        if aim is Aim.STILL and self._part is not None:
            part = self._part
            return part.validators.same(answer.validators) and answer.length == part.length
        return False

    async def _admit(self, answer: Content) -> None:
        if answer.length is not None and answer.length > self.most:
            raise FetchError(
                f"it is {amount(answer.length)} long, and at most {amount(self.most)} are fetched"
            )
        if answer.length == 0:
            raise FetchError("it is empty")
        await self.admit(0 if answer.length is None else answer.length - answer.offset)

    async def _receive(self, reply: Reply, answer: Content) -> bool:
        part = Part(size=answer.offset, length=answer.length, validators=answer.validators)
        self._whole = None
        try:
            sink = await self._open(part)
        except BaseException:
            reply.drop()
            raise
        sink.follow(reply.pause, reply.resume)

        def write(data: bytes) -> None:
            sink.write(data)
            self.progress = Progress(done=sink.size, total=answer.length)

        broken: FetchError | None = None
        try:
            self._proven = await reply.receive(write)
        except FetchError as error:
            broken = error
        try:
            await sink.settle()
            if broken is None:
                self._whole = (sink.size, await sink.finish())
        except FetchError:
            # Others need the room more than a part that cannot be written whole.
            if sink.spoiled:
                await self._drop()
            raise
        finally:
            await sink.close()
        length = sink.size if answer.length is None and broken is None else answer.length
        self._part = Part(size=sink.size, length=length, validators=answer.validators)
        if sink.size > self.most:
            await self._drop()
            raise FetchError(f"more than {amount(self.most)} came, the most that is fetched")
        if broken is not None:
            return self._go_on(broken, sink.size > answer.offset)
        if not sink.size:
            raise FetchError("it is empty")
        if self._part.size != self._part.length:
            raise FetchError("less came than was announced")
        self.resumed = max(self.resumed, answer.offset)
        return not (self.confirm and self._proven and self._part.validators.any)

    def _go_on(self, broken: FetchError, gained: bool) -> bool:
        """What broke off after a while is continued at once, where the server can prove it."""
        if not gained or self._part is None or self._part.validators.strong is None:
            raise broken
        return False

    async def _open(self, part: Part) -> Sink:
        path = self.part_file.path

        def begin() -> GrowingFile:
            running = hashed(path if part.size else os.devnull, part.size)
            return GrowingFile(path, self.part_file.begin(part), part.size, running)

        file = await self.in_thread(begin, SYNC_SECONDS)
        return Sink(self.in_thread, path, file, part.size, self.most, self.room)

    async def _drop(self) -> None:
        self._part = self._whole = None
        await self.in_thread(self.part_file.drop)

    async def _got(self) -> Got | None:
        part, path = self._part, self.part_file.path
        if part is None:
            return None
        if self._whole is None:
            # It was whole when a former process ended.
            sink = await self._open(part)
            try:
                self._whole = (part.size, await sink.finish())
            finally:
                await sink.close()
            self.resumed = part.size
        size, sha256 = self._whole

        def identify() -> Identity:
            with told(path):
                return identity_of(os.stat(path, follow_symlinks=False))

        return Got(
            path=path,
            identity=await self.in_thread(identify),
            size=size,
            sha256=sha256,
            validators=part.validators,
            resumed=self.resumed,
            proven=self._proven,
        )
