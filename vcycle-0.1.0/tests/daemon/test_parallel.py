"""Tests for vcycle.daemon.parallel."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from vcycle.daemon.parallel import both, each


class EachTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.running: dict[int, Deferred[int]] = {}
        self.most = 0

    async def work(self, item: int) -> int:
        answer = self.running[item] = Deferred()
        self.most = max(self.most, len(self.running))
        try:
            return await answer
        finally:
            self.running.pop(item, None)

    def test_bounded(self) -> None:
        """No more than so many at a time; the answers are in the order of the items."""
        done = Deferred.fromCoroutine(each(3, self.work, range(10)))
        while self.running:
            item = max(self.running)
            self.running[item].callback(item * item)
        self.assertEqual([n * n for n in range(10)], self.successResultOf(done))
        self.assertEqual(3, self.most)

    def test_nothing(self) -> None:
        """Of nothing there is no answer."""
        self.assertEqual([], self.successResultOf(each(3, self.work, [])))

    def test_failure(self) -> None:
        """What one raises is raised, as itself; the others go on unheard."""
        done = Deferred.fromCoroutine(each(3, self.work, range(3)))
        self.running[1].errback(KeyError("surprise"))
        self.failureResultOf(done, KeyError)
        self.running[0].errback(KeyError("another"))
        self.running[2].callback(4)
        self.assertEqual({}, self.running)


class BothTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.one: Deferred[int] = Deferred()
        self.two: Deferred[str] = Deferred()

        async def first() -> int:
            return await self.one

        async def second() -> str:
            return await self.two

        self.done = Deferred.fromCoroutine(both(first(), second()))

    def test_both(self) -> None:
        """Both answers, whichever comes first."""
        self.two.callback("two")
        self.assertNoResult(self.done)
        self.one.callback(1)
        self.assertEqual((1, "two"), self.successResultOf(self.done))

    def test_first_fails(self) -> None:
        """What the first raises is raised; the second goes on unheard."""
        self.one.errback(KeyError("surprise"))
        self.failureResultOf(self.done, KeyError)
        self.two.errback(KeyError("another"))

    def test_second_fails(self) -> None:
        """What the second raises is raised once the first is done."""
        self.two.errback(KeyError("surprise"))
        self.one.callback(1)
        self.failureResultOf(self.done, KeyError)
