"""Doing what a plan says, in its order, a few things at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Callable

from attrs import define, field, frozen

from vcycle.core.backoff import learn
from vcycle.core.config.model import Space
from vcycle.core.disks import DISK_FILES
from vcycle.core.errors import Scope, StoreError, VcycleError
from vcycle.core.machine import Record
from vcycle.core.observation import Creation, Plan
from vcycle.core.remembering import remembered
from vcycle.daemon import events
from vcycle.daemon.creation import Made, Maker
from vcycle.daemon.knowledge import Knowledge
from vcycle.daemon.lending import Lending
from vcycle.daemon.materials import Materials
from vcycle.daemon.parallel import both, each
from vcycle.interfaces import IAccounts, IDisks, IMachineProvider, IMachineStore

AT_ONCE = 4
"""Creations, and destroys, that run side by side; one call is left to the survey."""

SAVED_AT_ONCE = 250
"""Records written by one call, which has a deadline: on a slow disk thousands take very long."""

CREATING_SECONDS = 120.0
"""A cycle begins no further creation after so long; what is left is planned anew."""


@frozen(kw_only=True)
class Performed:
    """What a cycle could not do: reasons for the operator, in the order they came up."""

    problems: tuple[str, ...] = ()


@define(kw_only=True)
class Performer:
    """Performs plans for one space; ``dismiss`` makes a machine unknown to its web server."""

    store: IMachineStore
    disks: IDisks
    lending: Lending
    accounts: IAccounts
    provider: IMachineProvider
    maker: Maker
    knowledge: Knowledge
    clock: Callable[[], float]
    dismiss: Callable[[Record], None]
    _wary: bool = field(default=False, init=False)
    _undestroyed: dict[str, str] = field(factory=dict, init=False)

    async def perform(
        self, plan: Plan, space: Space, materials: Mapping[str, Materials]
    ) -> Performed:
        """
        Save facts, end what is over, then destroy and create side by side.

        What cannot be written is tried again in the next cycle, and nothing is created.
        """
        problems: list[str] = []
        self._learn(plan)
        problems += await self._save(plan)
        problems += await self.finish(plan.end)
        creations = () if problems else plan.create
        _, made = await both(
            each(AT_ONCE, self._destroy, plan.destroy),
            self._create(creations, space, materials),
        )
        failed = [one.failed for one in made if one.failed is not None]
        problems += [one.problem for one in made if one.problem and one.scope is Scope.SPACE]
        problems += await self.finish(failed)
        return Performed(problems=tuple(dict.fromkeys(problems)))

    def _learn(self, plan: Plan) -> None:
        """In memory the new facts hold at once, written or not."""
        records = self.knowledge.records
        for record in plan.adopt:
            events.adopted(record)
        for reviewed in plan.machines:
            before = records.get(reviewed.record.uuid)
            if before is not None and before.doom is None and reviewed.record.doom is not None:
                events.doomed(reviewed.record)
                self.knowledge.asked.pop(reviewed.record.uuid, None)
            records[reviewed.record.uuid] = reviewed.record
            if before is None:
                self.maker.admit(reviewed.record)
        self.knowledge.histories = dict(plan.histories)
        self.knowledge.held = plan.held
        self.knowledge.unsaved |= {record.uuid for record in plan.save + plan.adopt}

    async def _save(self, plan: Plan) -> list[str]:
        unsaved, records = self.knowledge.unsaved, self.knowledge.records
        waiting = [records[uuid] for uuid in sorted(unsaved) if uuid in records]
        try:
            for some in _parts(waiting):
                await self.store.save(some)
                unsaved.difference_update(record.uuid for record in some)
            await self._remember(plan.end)
        except StoreError as error:
            return [str(error)]
        unsaved.clear()
        return []

    async def _remember(self, ended: Iterable[Record]) -> None:
        """What machines that end now teach is on disk before their end is: it cannot be lost."""
        knowledge = self.knowledge
        knowledge.histories = learn(knowledge.histories, ended, (), self.clock())
        await self.store.remember(
            remembered(knowledge.histories, knowledge.records.values(), knowledge.clock)
        )

    async def finish(self, ended: Iterable[Record]) -> list[str]:
        """
        The end of machines: disks and what they were lent, history, accounting, then the record's
        end, after which nothing is left to be done.

        A machine whose end cannot be written, or that keeps an export, stays known, and ends
        again in the next cycle; so it does after a crash in between, and each step may be done
        twice.
        """
        ending = list(ended)
        if not ending:
            return []
        kept = await each(AT_ONCE, self._strip, ending)
        over = [record for record, problem in zip(ending, kept) if problem is None]
        problems = [problem for problem in kept if problem is not None]
        try:
            await self._remember(over)
            for some in _parts(over):
                await self.accounts.account(some)
                await self.store.save(some)
                for record in some:
                    self._bury(record)
        except StoreError as error:
            problems.append(str(error))
        return problems

    def _bury(self, record: Record) -> None:
        self.knowledge.forget(record)
        self._undestroyed.pop(record.uuid, None)
        self.dismiss(record)
        events.finished(record)

    async def _strip(self, record: Record) -> str | None:
        """
        Outputs and console stay until they are pruned; disks are too large for that.

        Why it cannot end yet, or None.
        """
        paths = [self.store.path(record, name) for name in DISK_FILES]
        try:
            await self.disks.remove(paths)
        except VcycleError as error:
            events.alarmed(record.space, str(error))
        return await self.lending.take_back(record)

    async def _destroy(self, record: Record) -> None:
        try:
            await self.provider.destroy(record, self.maker.owner)
        except VcycleError as error:
            if self._undestroyed.get(record.uuid) != str(error):
                events.not_destroyed(record, str(error))
            self._undestroyed[record.uuid] = str(error)

    async def _create(
        self, creations: Iterable[Creation], space: Space, materials: Mapping[str, Materials]
    ) -> list[Made]:
        """
        Creations stop at the first refusal that would meet all of them; in the cycle after
        one, a single creation goes ahead of the others.
        """
        until = self.clock() + CREATING_SECONDS
        stopped: list[Made] = []

        async def one(creation: Creation) -> Made:
            if stopped or self.clock() > until:
                return Made()
            machinetype = creation.machinetype.name
            made = await self.maker.make(creation, materials[machinetype], space, self.knowledge)
            if made.scope is Scope.SPACE:
                stopped.append(made)
            elif made.scope is Scope.MACHINETYPE:
                self.knowledge.blocked[machinetype] = made.problem or "refused"
            return made

        waiting = tuple(creations)
        ahead = waiting[:1] if self._wary else ()
        made = await each(1, one, ahead) + await each(AT_ONCE, one, waiting[len(ahead) :])
        self._wary = bool(stopped)
        return made


def _parts(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    for start in range(0, len(records), SAVED_AT_ONCE):
        yield records[start : start + SAVED_AT_ONCE]
