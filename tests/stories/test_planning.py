"""The tenth promise: to look at what a cycle would do changes nothing."""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any, Callable

from attrs import Factory, define
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from tests.daemon.spoken import listening
from tests.stories.world import HOUR, OWNER, World, hangs, machinetype, settings
from vcycle.core.errors import Unreachable
from vcycle.core.machine import Capacity, Condition, Record, Sighting, Spec, Survey, Traces, Traits
from vcycle.core.observation import Observation, Plan
from vcycle.daemon.foresight import foresee
from vcycle.interfaces import IMachineProvider

READS = {"survey", "lookup", "capacity"}
"""All that a provider can be asked without changing anything there."""


@implementer(IMachineProvider)
@define
class Noted:
    """A provider that notes what it is asked."""

    _real: IMachineProvider
    calls: list[str] = Factory(list)

    @property
    def traits(self) -> Traits:
        return self._real.traits

    async def survey(self, expected: Collection[str]) -> Survey:
        self.calls.append("survey")
        return await self._real.survey(expected)

    async def create(self, spec: Spec) -> None:
        self.calls.append("create")
        await self._real.create(spec)

    async def destroy(self, record: Record, owner: str) -> None:
        self.calls.append("destroy")
        await self._real.destroy(record, owner)

    async def lookup(self, uuid: str) -> Sighting | None:
        self.calls.append("lookup")
        return await self._real.lookup(uuid)

    async def capacity(self) -> Capacity:
        self.calls.append("capacity")
        return await self._real.capacity()

    def watch(self, callback: Callable[[str], None]) -> None:
        self.calls.append("watch")


def state(world: World) -> object:
    """All that there is in the world and in the daemon's mind, as it is now."""
    cycle, hypervisor = world.cycle, world.hypervisor
    return copy.deepcopy(
        (
            world.stores,
            world.disks.formed,
            world.provider.machines,
            world.clock_file,
            world.snapshots,
            cycle.knowledge,
            cycle.ready,
            cycle.materials,
            hypervisor.uses,
            hypervisor.totals,
            hypervisor.capacity,
            hypervisor.promised,
        )
    )


class PlanningTests(SynchronousTestCase):
    def foreseen(self, world: World) -> tuple[Observation, Plan]:
        """What would be done; and that nothing is."""
        assert world.spaces is not None
        [runner] = world.spaces.runners.values()
        noted = Noted(world.hypervisor.provider)
        real, world.hypervisor.provider = world.hypervisor.provider, noted
        before = state(world)
        try:
            with listening() as said:
                found: Any = self.successResultOf(Deferred.fromCoroutine(foresee(runner)))
        finally:
            world.hypervisor.provider = real
        self.assertEqual(set(), set(noted.calls) - READS)
        self.assertEqual(before, state(world))
        self.assertEqual([], said)
        seen: tuple[Observation, Plan] = found
        return seen

    def full_of_things(self) -> World:
        """One machine is over, one has to go, one is unknown, and there is room for more."""
        world = World(settings(4) + machinetype(), {"atlas": hangs}).boot().advance(HOUR)
        one, late, lost, _ = world.living()
        world.provider.watch(lambda _: None)
        world.cycle.knowledge.traces[one.uuid] = Traces(message="200 Done", message_at=world.now())
        world.provider.end(one.uuid)
        world.provider.turn(late.uuid, Condition.PAUSED)
        world.cycle.knowledge.records.pop(lost.uuid)
        return world

    def test_10_plan_writes_nothing(self) -> None:
        """A plan with something of everything in it makes no writing call, and changes nothing."""
        world = self.full_of_things()
        _, plan = self.foreseen(world)
        for part in (plan.end, plan.destroy, plan.adopt, plan.create, plan.save):
            self.assertTrue(part)

    def test_10_plan_is_what_comes(self) -> None:
        """The cycle after it does what was foretold."""
        world = self.full_of_things()
        seen, plan = self.foreseen(world)
        self.assertEqual(OWNER, seen.owner)
        wanted = {creation.name for creation in plan.create}
        before = {record.uuid for record in world.made}
        world.advance(61)
        self.assertEqual(wanted, {r.name for r in world.made if r.uuid not in before})
        self.assertEqual({r.uuid for r in plan.end}, {r.uuid for r in world.over()} & before)

    def test_10_plan_of_silence(self) -> None:
        """Without an answer of the provider nothing would be done, and why is said."""
        world = self.full_of_things()
        world.provider.broken = Unreachable("no connection")
        seen, plan = self.foreseen(world)
        self.assertIn("no connection", seen.problems[0])
        for part in (plan.end, plan.destroy, plan.adopt, plan.create):
            self.assertFalse(part)

    def test_10_plan_of_stray(self) -> None:
        """A machine that carries our mark is adopted by a cycle, not by looking."""
        world = World(settings(4) + machinetype(), {"atlas": hangs}).boot().advance(60)
        record = world.living()[0]
        world.cycle.knowledge.records.pop(record.uuid)
        _, plan = self.foreseen(world)
        self.assertEqual([record.uuid], [adopted.uuid for adopted in plan.adopt])
        self.assertNotIn(record.uuid, world.cycle.knowledge.records)
