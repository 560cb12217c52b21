"""Tests for vcycle.threads: real threads, blocked on events, and a clock that tests move."""

from __future__ import annotations

import queue
from threading import Event, current_thread
from typing import Any, Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from vcycle.core.errors import CallTimedOut
from vcycle.threads import CallNeverBegan, IThreadsReactor, PrivateThreads


@implementer(IThreadsReactor, IReactorFromThreads)
class ThreadsClock(Clock):
    """A Clock to which threads can talk; ``take`` waits for one word of theirs and obeys it."""

    def __init__(self) -> None:
        super().__init__()
        self._words: queue.Queue[Callable[[], object]] = queue.Queue()

    def callFromThread(
        self, callable: Callable[..., object], *args: object, **kwargs: object
    ) -> None:
        self._words.put(lambda: callable(*args, **kwargs))

    def take(self) -> None:
        self._words.get(timeout=10)()


class Blocked:
    """Work that says when it began, and goes on only when told."""

    def __init__(self, answer: object = "answer") -> None:
        self.answer = answer
        self.began = Event()
        self.go = Event()
        self.daemon = False

    def __call__(self) -> object:
        self.daemon = current_thread().daemon
        self.began.set()
        self.go.wait(10)
        return self.answer

    def wait(self) -> None:
        if not self.began.wait(10):
            raise AssertionError("the work did not begin")


class PrivateThreadsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = ThreadsClock()
        self.threads = PrivateThreads(self.clock, "test", size=1, deadline=5.0, ceiling=1)
        self.threads.startService()
        self.addCleanup(self.threads.stopService)
        self.blocked: list[Blocked] = []
        self.addCleanup(self.let_go)

    def let_go(self) -> None:
        for work in self.blocked:
            work.go.set()

    def block(self, deadline: float | None = None) -> tuple[Blocked, Deferred[object]]:
        work = Blocked()
        self.blocked.append(work)
        return work, self.threads(work, deadline)

    def hang(self) -> Blocked:
        """Start a call and let its deadline pass."""
        work, waiting = self.block()
        work.wait()
        self.clock.advance(5.0)
        self.failureResultOf(waiting, CallTimedOut)
        return work

    def test_reactor(self) -> None:
        """The tests' own reactor is what the pool asks for."""
        self.assertTrue(verifyObject(IThreadsReactor, self.clock))

    def test_answer(self) -> None:
        """The answer of the work arrives, from a daemon thread, and leaves no timer behind."""
        work, waiting = self.block()
        work.go.set()
        self.clock.take()
        self.assertEqual("answer", self.successResultOf(waiting))
        self.assertTrue(work.daemon)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_exception(self) -> None:
        """The exception of the work arrives as it is."""

        def broken() -> None:
            raise KeyError("here")

        waiting = self.threads(broken)
        self.clock.take()
        self.failureResultOf(waiting, KeyError)

    def test_deadline(self) -> None:
        """After the deadline the awaiter is told the pool and the time; the thread is hung."""
        work, waiting = self.block(deadline=7.5)
        work.wait()
        self.clock.advance(7.4)
        self.assertNoResult(waiting)
        self.clock.advance(0.2)
        failure = self.failureResultOf(waiting, CallTimedOut)
        self.assertNotIsInstance(failure.value, CallNeverBegan)
        self.assertIn("'test'", str(failure.value))
        self.assertIn("7.5 s", str(failure.value))
        self.assertEqual(1, self.threads.hung)

    def test_replaced(self) -> None:
        """A hung thread is replaced, and a call that waited behind it is served."""
        first, hung = self.block()
        first.wait()
        second, waiting = self.block(deadline=60)
        self.clock.advance(5.0)
        self.failureResultOf(hung, CallTimedOut)
        second.wait()
        second.go.set()
        self.clock.take()
        self.assertEqual("answer", self.successResultOf(waiting))

    def test_all_hung(self) -> None:
        """With every thread hung, the extra ones too, a call fails at once and says so."""
        self.hang()
        self.hang()
        self.assertEqual(2, self.threads.hung)
        work, waiting = self.block()
        failure = self.failureResultOf(waiting, CallNeverBegan)
        self.assertIn("all 2 threads of the pool 'test' hang", str(failure.value))
        self.assertFalse(work.began.is_set())

    def test_recovery(self) -> None:
        """A hung call that returns after all gives its thread back; its result is dropped."""
        hung = [self.hang(), self.hang()]
        for left, work in zip((1, 0), hung):
            work.go.set()
            self.clock.take()
            self.assertEqual(left, self.threads.hung)
        work, waiting = self.block()
        work.wait()
        behind, never = self.block(deadline=1.0)
        self.clock.advance(1.0)
        self.failureResultOf(never, CallNeverBegan)
        work.go.set()
        self.clock.take()
        self.assertEqual("answer", self.successResultOf(waiting))

    def test_queue_counts(self) -> None:
        """Work still in the queue at its deadline is never done, and no thread counts as hung."""
        first, waiting = self.block(deadline=60)
        first.wait()
        second, never = self.block(deadline=2.0)
        self.clock.advance(2.0)
        self.failureResultOf(never, CallNeverBegan)
        self.assertEqual(0, self.threads.hung)
        first.go.set()
        self.clock.take()
        self.clock.take()
        self.assertEqual("answer", self.successResultOf(waiting))
        self.assertFalse(second.began.is_set())

    def test_cancelled_in_queue(self) -> None:
        """A call cancelled while it waits is never done."""
        first, _ = self.block(deadline=60)
        first.wait()
        second, waiting = self.block()
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        first.go.set()
        self.clock.take()
        self.clock.take()
        self.assertFalse(second.began.is_set())
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_cancelled_at_work(self) -> None:
        """A call cancelled at work still counts as hung when its deadline passes."""
        work, waiting = self.block()
        work.wait()
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.assertEqual(0, self.threads.hung)
        self.clock.advance(5.0)
        self.assertEqual(1, self.threads.hung)
        work.go.set()
        self.clock.take()
        self.assertEqual(0, self.threads.hung)

    def test_stop(self) -> None:
        """Stopping returns at once, a thread hung or not; who waits fails, no timer is left."""
        self.hang()
        at_work, working = self.block()
        at_work.wait()
        _, waiting = self.block()
        self.threads.stopService()
        self.assertIn("stopped", str(self.failureResultOf(working, CallTimedOut).value))
        self.failureResultOf(waiting, CallNeverBegan)
        self.assertEqual([], self.clock.getDelayedCalls())
        self.failureResultOf(self.threads(Blocked()), CallNeverBegan)
        at_work.go.set()
        self.clock.take()  # the late answer falls on deaf ears

    def test_before_start(self) -> None:
        """A pool that was never started refuses calls, saying so."""
        threads: Any = PrivateThreads(self.clock, "other", 1, 5.0, 1)
        failure = self.failureResultOf(threads(Blocked()), CallNeverBegan)
        self.assertIn("'other' is not running", str(failure.value))

    def test_restart(self) -> None:
        """A pool that was stopped can be started again, with fresh threads."""
        self.hang()
        self.threads.stopService()
        self.threads.startService()
        self.assertEqual(0, self.threads.hung)
        work, waiting = self.block()
        work.go.set()
        self.clock.take()
        self.assertEqual("answer", self.successResultOf(waiting))
