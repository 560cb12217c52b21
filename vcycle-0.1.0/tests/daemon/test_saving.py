"""Tests of saving many records: in parts, and never the same part twice."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import Factory, define, evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import ended, observation, running, space
from tests.daemon.ground import Ground
from vcycle.core.errors import StoreError
from vcycle.core.machine import Record, State
from vcycle.core.observation import Plan, Reviewed
from vcycle.core.plan import plan_cycle
from vcycle.daemon.perform import SAVED_AT_ONCE, Performed, Performer
from vcycle.testing.store import MemoryStore

MANY = 2 * SAVED_AT_ONCE + 1


@define(eq=False)
class SlowStore(MemoryStore):
    """Saves so many parts, then none; ``sizes`` are those that it was asked for."""

    parts: int = 0
    sizes: list[int] = Factory(list)

    async def save(self, records: Sequence[Record]) -> None:
        self.sizes.append(len(records))
        if len(self.sizes) > self.parts:
            raise StoreError("the disk did not answer in time")
        await super().save(records)


class SavingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.ground = Ground()

    def perform(self, parts: int, **changes: object) -> tuple[tuple[str, ...], list[int]]:
        """The problems of performing a plan, and the sizes of what was saved."""
        sizes: list[int] = []
        store = SlowStore(space().name, self.ground.disk, parts=parts, sizes=sizes)
        performer: Performer = evolve(self.ground.performer, store=store)
        empty: dict[str, object] = {"machines": (), "save": (), "create": ()}
        plan: Plan = evolve(plan_cycle(observation()), **{**empty, **changes})  # type: ignore[arg-type]
        done: Performed = self.successResultOf(
            Deferred.fromCoroutine(performer.perform(plan, space(), {}))
        )
        return done.problems, sizes

    def test_facts(self) -> None:
        """What was saved before a part failed is not saved again in the next cycle."""
        records = tuple(running(number) for number in range(MANY))
        machines = tuple(Reviewed(record=record, state=State.RUNNING) for record in records)
        problems, sizes = self.perform(1, machines=machines, save=records)
        self.assertEqual(("the disk did not answer in time",), problems)
        self.assertEqual([SAVED_AT_ONCE, SAVED_AT_ONCE], sizes)
        self.assertEqual(MANY - SAVED_AT_ONCE, len(self.ground.knowledge.unsaved))
        problems, sizes = self.perform(9, machines=machines)
        self.assertEqual(((), [SAVED_AT_ONCE, 1]), (problems, sizes))
        self.assertEqual(set(), self.ground.knowledge.unsaved)
        self.assertEqual(set(records), set(self.ground.disk.records.values()))

    def test_ends(self) -> None:
        """Machines whose end was written are over; the others end again in the next cycle."""
        over = tuple(ended(number) for number in range(MANY))
        knowledge = self.ground.knowledge
        for record in over:
            knowledge.records[record.uuid] = evolve(record, ended_at=None, outcome=None)
        problems, _ = self.perform(1, end=over)
        self.assertEqual(("the disk did not answer in time",), problems)
        self.assertEqual(MANY - SAVED_AT_ONCE, len(knowledge.records))
        problems, _ = self.perform(9, end=over[SAVED_AT_ONCE:])
        self.assertEqual((), problems)
        self.assertEqual({}, knowledge.records)
        self.assertEqual(set(over), set(self.ground.disk.records.values()))
