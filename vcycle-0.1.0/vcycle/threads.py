"""
The one door to threads: private pools as services, every call with a deadline.

``PrivateThreads(reactor, name, size, deadline, ceiling)`` is a RunInThread.
"""

from __future__ import annotations

from threading import Lock, Thread
from typing import Callable, Generic, TypeVar

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorFromThreads, IReactorTime
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool
from zope.interface import Interface

from vcycle.core.errors import CallTimedOut

R = TypeVar("R")


class IThreadsReactor(IReactorTime, IReactorFromThreads, Interface):
    """What is needed of a reactor: it waits, and it takes answers from threads."""


class CallNeverBegan(CallTimedOut):
    """The work was not begun and never will be: it has no effect."""


class _DaemonThread(Thread):
    """Does not keep the process alive, whatever it hangs in."""

    def start(self) -> None:
        self.daemon = True
        super().start()


class _DaemonThreadPool(ThreadPool):
    threadFactory = _DaemonThread


@define(eq=False)
class _Call(Generic[R]):
    """One piece of work; ``begin`` and ``give_up`` exclude each other."""

    work: Callable[[], R]
    answer: Deferred[R]
    seconds: float
    timer: IDelayedCall | None = None
    begun: bool = False
    given_up: bool = False
    hung: bool = False
    _lock: Lock = field(factory=Lock)

    def begin(self) -> R | None:
        """In the thread: do the work, unless nobody waits for it any more."""
        with self._lock:
            if self.given_up:
                return None
            self.begun = True
        return self.work()

    def give_up(self) -> bool:
        """On the reactor thread: have the work not begun; False if it was begun before."""
        with self._lock:
            self.given_up = True
            return not self.begun


class PrivateThreads(Service):
    """
    At most ``size`` calls at a time, each answered within a deadline in seconds.

    The deadline counts from the call, the time in the queue included. A thread that is
    still at work then is written off: it counts in ``hung`` until it returns after all, its
    result is dropped, and one of ``ceiling`` extra threads takes its place. Once no
    thread is left, calls fail at once. A call that failed before its work began raises
    CallNeverBegan, and its work never happens.

    Stopping waits for nothing: awaiters get CallTimedOut, threads are left to themselves.
    """

    def __init__(
        self, reactor: IThreadsReactor, name: str, size: int, deadline: float, ceiling: int
    ) -> None:
        self._reactor = reactor
        self._called = name
        self._size = size
        self._deadline = deadline
        self._ceiling = ceiling
        self._pool: ThreadPool | None = None
        self._calls: set[_Call[object]] = set()
        self.hung = 0

    def startService(self) -> None:
        super().startService()
        if self._pool is None:
            self._pool = _DaemonThreadPool(0, self._size, self._called)
            self._pool.start()
            self.hung = 0

    def stopService(self) -> None:
        """Give up on every call, and leave the joining of threads to a thread."""
        super().stopService()
        pool, self._pool = self._pool, None
        if pool is not None:
            _DaemonThread(target=pool.stop, name=f"{self._called}-stop").start()
        for call in list(self._calls):
            self._give_up(call, "it was stopped")

    def __call__(self, work: Callable[[], R], deadline: float | None = None) -> Deferred[R]:
        """
        Run ``work`` in a thread of this pool; what comes of it arrives on the reactor thread.

        :raises CallTimedOut: no answer within ``deadline`` seconds; the work may yet take effect.
        :raises CallNeverBegan: no thread took it up, and none will.
        """
        pool = self._pool
        if pool is None:
            text = f"the thread pool {self._called!r} is not running"
            return fail(CallNeverBegan(text))
        if self.hung >= self._size + self._ceiling:
            text = f"all {self.hung} threads of the pool {self._called!r} hang in earlier calls"
            return fail(CallNeverBegan(f"{text}; what they wait for must answer, or be restarted"))
        seconds = self._deadline if deadline is None else deadline
        call: _Call[R] = _Call(work, Deferred(lambda _: self._cancelled(call)), seconds)
        self._calls.add(call)  # type: ignore[arg-type]
        call.timer = self._reactor.callLater(seconds, self._expire, call)
        done = deferToThreadPool(self._reactor, pool, call.begin)
        done.addBoth(self._returned, pool, call)
        return call.answer

    def _cancelled(self, call: _Call[R]) -> None:
        # Begun work keeps its timer: its thread may hang all the same.
        if call.give_up():
            self._forget(call)

    def _expire(self, call: _Call[R]) -> None:
        call.timer = None
        self._give_up(call, f"no answer within {call.seconds:g} s")
        if call.begun and self._pool is not None:
            call.hung = True
            self._write_off(self._pool, 1)

    def _give_up(self, call: _Call[R], why: str) -> None:
        never_began = call.give_up()
        self._forget(call)
        if call.answer.called:
            return
        text = f"the thread pool {self._called!r}: {why}"
        if never_began:
            waited = f"{text}; the call waited in vain for one of its threads ({self.hung} hang)"
            call.answer.errback(CallNeverBegan(f"{waited}, nothing was done"))
        else:
            call.answer.errback(CallTimedOut(f"{text}; the call may yet take effect"))

    def _returned(self, result: R | Failure | None, pool: ThreadPool, call: _Call[R]) -> None:
        self._forget(call)
        if call.hung:
            if pool is self._pool:
                self._write_off(pool, -1)
        elif call.given_up or call.answer.called:
            pass  # cancelled, or the service was stopped
        elif isinstance(result, Failure):
            call.answer.errback(result)
        else:
            call.answer.callback(result)  # type: ignore[arg-type]

    def _write_off(self, pool: ThreadPool, change: int) -> None:
        self.hung += change
        limit = self._size + min(self.hung, self._ceiling)
        grow = limit > pool.max
        pool.adjustPoolsize(maxthreads=limit)
        if grow:
            pool.startAWorker()  # what waits in the queue is not taken up by a higher limit alone

    def _forget(self, call: _Call[R]) -> None:
        self._calls.discard(call)
        if call.timer is not None:
            call.timer.cancel()
            call.timer = None
