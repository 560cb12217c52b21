"""A download's file on a disk, or beside threads, that give no answer."""

from __future__ import annotations

import os
from typing import Callable, TypeVar

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.inplace import in_place
from vcycle.core.errors import CallTimedOut, FetchError
from vcycle.images.files import hashed
from vcycle.images.growing import GrowingFile
from vcycle.images.sink import Sink
from vcycle.interfaces import RunInThread
from vcycle.threads import CallNeverBegan

R = TypeVar("R")
PIECE = b"some" * 1000


class Threads:
    """Does the first ``good`` calls in place, and fails those after that."""

    def __init__(self, good: int, error: CallTimedOut) -> None:
        self.good, self.error = good, error
        self.calls = 0

    async def __call__(self, work: Callable[[], R], deadline: float | None = None) -> R:
        self.calls += 1
        if self.calls > self.good:
            raise self.error
        return await in_place(work)


class SinkTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.path = os.path.abspath(self.mktemp())
        self.fd = -1

    def sink(self, in_thread: RunInThread) -> Sink:
        """A new file's."""
        self.fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC)
        file = GrowingFile(self.path, self.fd, 0, hashed(os.devnull, 0))
        return Sink(in_thread, self.path, file, 0, 1 << 30)

    def numbers(self) -> list[str]:
        """The numbers under which the file is open here."""
        found = []
        for number in os.listdir("/proc/self/fd"):
            try:
                if os.readlink(f"/proc/self/fd/{number}") == self.path:
                    found.append(number)
            except FileNotFoundError:
                pass  # it was closed meanwhile
        return found

    async def closed(self) -> None:
        for _ in range(3000):
            if not self.numbers():
                return
            await deferLater(reactor, 0.01)
        raise self.failureException("it is open yet")

    async def unfinished(self, sink: Sink) -> str:
        """Why it cannot be finished."""
        sink.write(PIECE)
        try:
            await sink.finish()
        except FetchError as error:
            return str(error)
        raise self.failureException("it was finished")

    async def test_hangs_at_the_end(self) -> None:
        """A disk that hangs as all is made durable is told of, and its file not closed beside."""
        threads = Threads(1, CallTimedOut("no answer"))
        sink = self.sink(threads)
        self.assertIn("the disk does not answer: no answer", await self.unfinished(sink))
        await sink.close()
        self.assertEqual(2, threads.calls)
        self.assertIn(str(self.fd), self.numbers())
        self.assertFalse(sink.spoiled)
        for number in self.numbers():
            os.close(int(number))

    async def test_hangs_at_a_write(self) -> None:
        """A disk that hangs earlier is told of likewise."""
        threads = Threads(0, CallTimedOut("no answer"))
        sink = self.sink(threads)
        self.assertIn("the disk does not answer: no answer", await self.unfinished(sink))
        await sink.close()
        self.assertEqual(1, threads.calls)
        for number in self.numbers():
            os.close(int(number))

    async def test_no_thread(self) -> None:
        """Each row: after so many calls no thread takes up any; the file is closed all the same."""
        for good in (0, 1):
            sink = self.sink(Threads(good, CallNeverBegan("all hang")))
            self.assertIn("all hang", await self.unfinished(sink))
            await sink.close()
            await self.closed()
            self.assertEqual(good * len(PIECE), os.stat(self.path).st_size)
            self.assertFalse(sink.spoiled)
            os.unlink(self.path)

    async def test_finished_without_thread(self) -> None:
        """What is durable stays good, though no thread is left to close it."""
        sink = self.sink(Threads(2, CallNeverBegan("all hang")))
        sink.write(PIECE)
        await sink.finish()
        await sink.close()
        await self.closed()
        self.assertEqual(len(PIECE), os.stat(self.path).st_size)
