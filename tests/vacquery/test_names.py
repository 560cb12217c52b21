"""Tests for vcycle.vacquery.names: when hosts are looked up, and what is used meanwhile."""

from __future__ import annotations

from typing import Any, Callable, TypeVar

from attrs import Factory, define
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.errors import CallTimedOut
from vcycle.vacquery.names import (
    AT_ONCE,
    FORGET_SECONDS,
    REFRESH_SECONDS,
    RETRY_SECONDS,
    Names,
    look_up,
)

R = TypeVar("R")
ONE = "one.example.com"
PATIENCE = 5.0


@define
class SlowThreads:
    """A RunInThread whose work is done when the test says so."""

    waiting: list[tuple[Callable[[], Any], Deferred[Any]]] = Factory(list)

    def __call__(self, work: Callable[[], R], deadline: float | None = None) -> Deferred[R]:
        answer: Deferred[R] = Deferred()
        self.waiting.append((work, answer))
        return answer

    def work_off(self, count: int = 1000) -> None:
        for _ in range(min(count, len(self.waiting))):
            work, answer = self.waiting.pop(0)
            answer.callback(work())


class NamesCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.threads = SlowThreads()
        self.known: dict[str, tuple[str, ...]] = {ONE: ("192.0.2.1",)}
        self.lookups: list[str] = []
        self.names = Names(self.clock, self.threads, self.look_up)

    def look_up(self, name: str) -> tuple[str, ...]:
        self.lookups.append(name)
        if name not in self.known:
            raise OSError(-2, "Name or service not known")
        return self.known[name]

    def find(self, *names: str) -> Deferred[Any]:
        return Deferred.fromCoroutine(self.names.find(names, PATIENCE))


class FindTests(NamesCase):
    def test_first(self) -> None:
        """A name that was never looked up is waited for."""
        found = self.find(ONE)
        self.assertNoResult(found)
        self.threads.work_off()
        self.assertEqual({ONE: ("192.0.2.1",)}, self.successResultOf(found))
        self.assertIsNone(self.names.failure(ONE))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_patience(self) -> None:
        """It is waited for no longer than one may; what comes later is known the next time."""
        found = self.find(ONE)
        self.clock.advance(PATIENCE)
        self.assertEqual({ONE: ()}, self.successResultOf(found))
        self.assertIn("no answer", self.names.failure(ONE) or "")
        self.threads.work_off()
        self.assertEqual({ONE: ("192.0.2.1",)}, self.successResultOf(self.find(ONE)))

    def test_kept(self) -> None:
        """Within ten minutes nobody is asked again."""
        self.find(ONE)
        self.threads.work_off()
        self.clock.advance(REFRESH_SECONDS - 1)
        self.successResultOf(self.find(ONE))
        self.assertEqual([ONE], self.lookups)

    def test_refreshed(self) -> None:
        """Then the former addresses are used on, until others are found."""
        self.find(ONE)
        self.threads.work_off()
        self.known[ONE] = ("192.0.2.7",)
        self.clock.advance(REFRESH_SECONDS)
        self.assertEqual({ONE: ("192.0.2.1",)}, self.successResultOf(self.find(ONE)))
        self.assertEqual(1, len(self.threads.waiting))
        self.threads.work_off()
        self.assertEqual({ONE: ("192.0.2.7",)}, self.successResultOf(self.find(ONE)))

    def test_last_good(self) -> None:
        """A name that is not found any more keeps its addresses; the failure is known."""
        self.find(ONE)
        self.threads.work_off()
        del self.known[ONE]
        self.clock.advance(REFRESH_SECONDS)
        self.find(ONE)
        self.threads.work_off()
        self.assertEqual({ONE: ("192.0.2.1",)}, self.successResultOf(self.find(ONE)))
        self.assertEqual("Name or service not known", self.names.failure(ONE))

    def test_not_found(self) -> None:
        """A name that nobody knows is asked for again after a minute, and never waited for."""
        found = self.find("gone.example.com")
        self.threads.work_off()
        self.assertEqual({"gone.example.com": ()}, self.successResultOf(found))
        self.successResultOf(self.find("gone.example.com"))
        self.assertEqual(1, len(self.lookups))
        self.clock.advance(RETRY_SECONDS)
        self.successResultOf(self.find("gone.example.com"))
        self.threads.work_off()
        self.assertEqual(2, len(self.lookups))

    def test_no_address(self) -> None:
        """A name without any IPv4 address is a failure too."""
        self.known[ONE] = ()
        self.find(ONE)
        self.threads.work_off()
        self.assertEqual("it has no IPv4 address", self.names.failure(ONE))

    def test_hung(self) -> None:
        """A lookup that hangs is given up, and others go on."""
        names = Names(self.clock, lambda work, deadline=None: fail(CallTimedOut("late")))
        found = Deferred.fromCoroutine(names.find((ONE,), PATIENCE))
        self.assertEqual({ONE: ()}, self.successResultOf(found))
        self.assertEqual("late", names.failure(ONE))

    def test_address(self) -> None:
        """An address is its own, and nobody is asked."""
        self.assertEqual(
            {"192.0.2.9": ("192.0.2.9",)}, self.successResultOf(self.find("192.0.2.9"))
        )
        self.clock.advance(REFRESH_SECONDS * 2)
        self.successResultOf(self.find("192.0.2.9"))
        self.assertEqual([], self.threads.waiting)
        self.assertIsNone(self.names.failure("192.0.2.9"))

    def test_few_at_once(self) -> None:
        """Many names are looked up a few at a time, each once, and all are waited for."""
        names = [f"{n}.example.com" for n in range(20)]
        self.known.update(dict.fromkeys(names, ("192.0.2.3",)))
        first, second = self.find(*names), self.find(*names)
        self.assertEqual(AT_ONCE, len(self.threads.waiting))
        while self.threads.waiting:
            self.threads.work_off(1)
        self.assertEqual(20, len(self.successResultOf(first)))
        self.assertEqual({("192.0.2.3",)}, set(self.successResultOf(second).values()))
        self.assertEqual(20, len(self.lookups))

    def test_forgotten(self) -> None:
        """What nobody asks for any more is forgotten."""
        self.find(ONE)
        self.threads.work_off()
        self.clock.advance(FORGET_SECONDS + 1)
        self.find("192.0.2.9")
        self.assertEqual({ONE: ()}, self.names.known([ONE]))


class LookUpTests(SynchronousTestCase):
    def test_localhost(self) -> None:
        """The system's own resolver gives the addresses, each once."""
        self.assertIn("127.0.0.1", look_up("localhost"))

    def test_nonsense(self) -> None:
        """What cannot be a name is not found, whatever the system says of it."""
        names = Names(Clock(), lambda work, deadline=None: succeed(work()))
        name = "x" * 300
        found = Deferred.fromCoroutine(names.find((name,), PATIENCE))
        self.assertEqual({name: ()}, self.successResultOf(found))
        self.assertTrue(names.failure(name))
