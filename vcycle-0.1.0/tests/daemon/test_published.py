"""Tests for vcycle.daemon.published."""

from __future__ import annotations

import json
from typing import Any, Callable, TypeVar

from attrs import Factory, define
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, space
from vcycle.core.errors import CallTimedOut
from vcycle.core.snapshot import Snapshot
from vcycle.daemon.published import STATUS, Published

R = TypeVar("R")


@define
class Thread:
    """A thread in which the test says when work is done."""

    waiting: list[tuple[Callable[[], Any], Deferred[Any]]] = Factory(list)

    def __call__(self, work: Callable[[], R], deadline: float | None = None) -> Deferred[R]:
        answer: Deferred[R] = Deferred()
        self.waiting.append((work, answer))
        return answer

    def work(self) -> None:
        work, answer = self.waiting.pop(0)
        maybeDeferred(work).chainDeferred(answer)


def snapshot(name: str, at: float = NOW) -> Snapshot:
    return Snapshot(space=space(name=name), taken_at=at, machines=())


class PublishedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.thread = Thread()
        self.published = Published(self.thread, lambda: NOW)

    def spaces(self) -> dict[str, float]:
        document = json.loads(self.published.content(STATUS) or b"{}")
        return {each["space"]: each["taken_at"] for each in document["spaces"]}

    def test_paths(self) -> None:
        """There is one document; before the first cycle it is empty."""
        self.assertEqual(b"", self.published.content(STATUS))
        self.assertIsNone(self.published.content("/v1/other"))

    def test_newest(self) -> None:
        """Readers get each space's newest snapshot."""
        for at in (NOW, NOW + 60):
            for name in ("a.test", "b.test"):
                self.published.publish(snapshot(name, at))
                while self.thread.waiting:
                    self.thread.work()
        self.assertEqual({"a.test": NOW + 60, "b.test": NOW + 60}, self.spaces())

    def test_while_encoding(self) -> None:
        """Until the bytes are made readers get the former ones; many snapshots are one encoding."""
        self.published.publish(snapshot("a.test"))
        self.thread.work()
        for at in range(1, 100):
            self.published.publish(snapshot("a.test", NOW + at))
        self.assertEqual({"a.test": NOW}, self.spaces())
        self.assertEqual(1, len(self.thread.waiting))
        self.thread.work()
        self.thread.work()
        self.assertEqual([], self.thread.waiting)
        self.assertEqual({"a.test": NOW + 99}, self.spaces())

    def test_withdrawn(self) -> None:
        """A space that is no more is not shown any more."""
        for name in ("a.test", "b.test"):
            self.published.publish(snapshot(name))
        self.published.withdraw("a.test")
        while self.thread.waiting:
            self.thread.work()
        self.assertEqual(["b.test"], list(self.spaces()))
        self.published.withdraw("a.test")
        self.assertEqual([], self.thread.waiting)

    def test_lost_thread(self) -> None:
        """A thread that was given up costs one document; the next snapshot makes another."""
        self.published.publish(snapshot("a.test"))
        self.thread.waiting.pop()[1].errback(CallTimedOut("no answer"))
        self.assertEqual(b"", self.published.content(STATUS))
        self.published.publish(snapshot("a.test", NOW + 60))
        self.thread.work()
        self.assertEqual({"a.test": NOW + 60}, self.spaces())
