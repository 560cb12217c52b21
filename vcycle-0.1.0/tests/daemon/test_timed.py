"""Tests for vcycle.daemon.timed and vcycle.daemon.errorcounts."""

from __future__ import annotations

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.core.values import NOW, OWNER, record
from vcycle.core.errors import BadRequest, OutcomeUnknown, Unreachable
from vcycle.core.machine import Survey
from vcycle.daemon import events
from vcycle.daemon.errorcounts import UNFORESEEN, ErrorCounts
from vcycle.daemon.timed import TimedProvider
from vcycle.interfaces import IMachineProvider
from vcycle.testing.provider import MemoryProvider


@define(kw_only=True)
class SlowProvider(MemoryProvider):
    """Answers when the test says so."""

    answer: Deferred[object]

    async def survey(self, expected: object) -> Survey:
        await self.answer
        return Survey(taken_at=NOW, complete=False, endings={})

    async def destroy(self, record: object, owner: str) -> None:
        await self.answer


class TimedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.answer: Deferred[object] = Deferred()
        self.told: list[tuple[str, str, float]] = []
        provider = SlowProvider(clock=self.clock.seconds, answer=self.answer)
        self.timed = TimedProvider(
            provider, lambda *words: self.told.append(words), self.clock.seconds
        )

    def test_interface(self) -> None:
        """It is a provider like the one that it times."""
        self.assertTrue(verifyObject(IMachineProvider, self.timed))

    def test_times(self) -> None:
        """A call is told with its time and what came of it."""
        done = Deferred.fromCoroutine(self.timed.destroy(record(), OWNER))
        self.clock.advance(2.5)
        self.assertEqual([], self.told)
        self.answer.callback(None)
        self.successResultOf(done)
        self.assertEqual([("destroy", "good", 2.5)], self.told)

    def test_partial(self) -> None:
        """Part of a list is no list."""
        done = Deferred.fromCoroutine(self.timed.survey(()))
        self.answer.callback(None)
        self.successResultOf(done)
        self.assertEqual([("survey", "partial", 0.0)], self.told)

    def test_errors(self) -> None:
        """Errors pass as they are, and are told by what they say of the provider."""
        for error, word in (
            (OutcomeUnknown("x"), "unknown"),
            (Unreachable("x"), "unreachable"),
            (BadRequest("x"), "refused"),
            (ZeroDivisionError("x"), "broken"),
        ):
            self.setUp()
            done = Deferred.fromCoroutine(self.timed.destroy(record(), OWNER))
            self.answer.errback(error)
            self.failureResultOf(done, type(error))
            self.assertEqual([("destroy", word, 0.0)], self.told)


class ErrorCountsTests(SynchronousTestCase):
    def test_counts(self) -> None:
        """Warnings and errors are counted by the name of their line, while it runs."""
        told: list[str] = []
        counts = ErrorCounts(told.append)
        counts.startService()
        try:
            events.alarmed("a.test", "x")
            events.space_left("a.test")
            Logger(namespace="other").warn("of somebody else")
            Logger(namespace="other").error("broke")
        finally:
            counts.stopService()
        events.alarmed("a.test", "x")
        self.assertEqual(["alarm", UNFORESEEN], told)
