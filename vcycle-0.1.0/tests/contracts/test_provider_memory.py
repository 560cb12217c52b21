"""The provider in memory keeps the contract, and its controls do what stories count on."""

from __future__ import annotations

from typing import Callable

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.contracts.provider import ProviderContract
from tests.contracts.specs import OWNER, record, spec, uuid
from vcycle.core.errors import OutcomeUnknown, ProviderError, Unreachable
from vcycle.core.machine import Condition, Survey
from vcycle.testing.provider import Fate, MemoryProvider


class MemoryProviderTests(ProviderContract, TestCase):
    def setUp(self) -> None:
        self.memory = MemoryProvider(clock=Clock().seconds)
        self.provider = self.memory

    async def foreign(self, number: int, name: str) -> None:
        self.memory.put(uuid(number), name)

    async def perish(self, number: int) -> None:
        self.memory.end(uuid(number))

    async def settle(self, happened: Callable[[], bool]) -> None:
        self.assertTrue(happened())


class ControlsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.memory = MemoryProvider(clock=self.clock.seconds)

    def create(self, number: int) -> Deferred[None]:
        return Deferred.fromCoroutine(self.memory.create(spec(number)))

    def survey(self, *expected: int) -> Survey:
        seen: Survey = self.successResultOf(self.memory.survey([uuid(n) for n in expected]))
        return seen

    def test_fates(self) -> None:
        """Each create meets the next fate; after the last one, machines are made."""
        self.memory.fates.extend([Fate.REFUSED, Fate.LOST_MADE, Fate.LOST, Fate.DELAYED])
        self.failureResultOf(self.create(1), ProviderError)
        for number in (2, 3, 4):
            self.failureResultOf(self.create(number), OutcomeUnknown)
        self.successResultOf(self.create(5))
        self.assertEqual({uuid(2), uuid(5)}, set(self.memory.machines))
        self.memory.arrive()
        self.assertEqual({uuid(2), uuid(4), uuid(5)}, set(self.memory.machines))
        self.assertEqual(5, self.memory.creates)

    def test_hang(self) -> None:
        """Calls hang until they are released, and then go on or fail."""
        self.memory.hang = True
        first = self.create(1)
        self.assertNoResult(first)
        self.memory.release()
        self.successResultOf(first)
        second = self.create(2)
        self.memory.release(OutcomeUnknown("no answer"))
        self.failureResultOf(second, OutcomeUnknown)
        self.assertEqual([uuid(1)], list(self.memory.machines))

    def test_broken(self) -> None:
        """While it is broken every call fails in the same way."""
        self.memory.broken = Unreachable("nobody there")
        self.failureResultOf(self.create(1), Unreachable)
        self.failureResultOf(self.memory.survey([]), Unreachable)
        self.failureResultOf(self.memory.destroy(record(1), OWNER), Unreachable)

    def test_incomplete(self) -> None:
        """Hidden machines are neither listed nor absent, and the survey says so."""
        self.successResultOf(self.create(1))
        self.memory.hidden.add(uuid(1))
        seen = self.survey(1, 2)
        self.assertFalse(seen.complete)
        self.assertEqual((), seen.sightings)
        self.assertEqual({uuid(2)}, seen.absent)

    def test_turn_and_use(self) -> None:
        """A machine can be paused, and can have used CPU time."""
        self.successResultOf(self.create(1))
        self.memory.turn(uuid(1), Condition.PAUSED)
        self.memory.use(uuid(1), 12.5)
        [seen] = self.survey().sightings
        self.assertEqual((Condition.PAUSED, 12.5), (seen.condition, seen.cpu_seconds))

    def test_vanish(self) -> None:
        """A machine can be gone without a word; one that ends leaves an ending with its time."""
        self.successResultOf(self.create(1))
        self.successResultOf(self.create(2))
        self.clock.advance(7)
        self.memory.vanish(uuid(1))
        self.memory.end(uuid(2), "crashed")
        seen = self.survey(1, 2)
        self.assertEqual({uuid(1), uuid(2)}, seen.absent)
        self.assertEqual([uuid(2)], list(seen.endings))
        self.assertEqual((7.0, "crashed"), (seen.endings[uuid(2)].at, seen.endings[uuid(2)].how))
