"""
A provider in memory, held to the same contract as the real ones.

``MemoryProvider(clock=...)``; ``clock`` gives Unix seconds.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Collection
from typing import Callable

from attrs import Factory, define, evolve
from twisted.internet.defer import Deferred
from zope.interface import implementer

from vcycle.core.errors import BadRequest, NameTaken, OutcomeUnknown, ProviderError
from vcycle.core.machine import (
    Capacity,
    Condition,
    Ending,
    Mark,
    Record,
    Sighting,
    Spec,
    Survey,
    Traits,
)
from vcycle.interfaces import IMachineProvider


class Fate(enum.Enum):
    """What becomes of one request for a machine."""

    MADE = "made"
    REFUSED = "refused"
    LOST_MADE = "made, the answer was lost"
    LOST = "lost, never made"
    DELAYED = "the answer was lost, it is made when ``arrive`` is called"


def _ignore(uuid: str) -> None:
    """What is called when nobody watches."""


@implementer(IMachineProvider)
@define(kw_only=True)
class MemoryProvider:
    """
    Tests may edit ``machines``, and set ``broken`` to make every call fail with it.

    ``fates`` are used up by the next creates, in order; without any, machines are made.
    ``hang`` makes calls wait until ``release``; ``stubborn`` refuses to destroy. Machines
    in ``hidden`` are neither listed
    nor said to be absent, and make a survey incomplete, as ``problem`` does.
    """

    clock: Callable[[], float]
    traits: Traits = Traits(settle_seconds=60.0, authoritative=True, max_user_data=1 << 20)
    room: Capacity = Capacity(processors=None, memory_mb=None)
    machines: dict[str, Sighting] = Factory(dict)
    specs: dict[str, Spec] = Factory(dict)
    endings: dict[str, Ending] = Factory(dict)
    hidden: set[str] = Factory(set)
    problem: str | None = None
    broken: Exception | None = None
    refusal: ProviderError = Factory(lambda: ProviderError("refused by the test"))
    fates: deque[Fate] = Factory(deque)
    delayed: list[Spec] = Factory(list)
    hang: bool = False
    stubborn: bool = False
    creates: int = 0
    destroys: int = 0
    _hanging: list[Deferred[None]] = Factory(list)
    _names: dict[str, str] = Factory(dict)
    _callback: Callable[[str], None] = _ignore

    async def survey(self, expected: Collection[str]) -> Survey:
        await self._answer()
        machines, hidden = self.machines, self.hidden
        listed = machines.values()
        if hidden:
            listed = {u: m for u, m in machines.items() if u not in hidden}.values()
        return Survey(
            taken_at=self.clock(),
            complete=not hidden and self.problem is None,
            sightings=tuple(listed),
            absent=frozenset(u for u in expected if u not in machines and u not in hidden),
            endings=dict(self.endings),
            problem=self.problem,
        )

    async def create(self, spec: Spec) -> None:
        self.creates += 1
        await self._answer()
        fate = self.fates.popleft() if self.fates else Fate.MADE
        if fate is Fate.REFUSED:
            raise self.refusal
        if fate in (Fate.MADE, Fate.LOST_MADE):
            self._make(spec)
        elif fate is Fate.DELAYED:
            self.delayed.append(spec)
        if fate is not Fate.MADE:
            raise OutcomeUnknown(f"cannot say whether {spec.record.name} was made: no answer came")

    async def destroy(self, record: Record, owner: str) -> None:
        self.destroys += 1
        await self._answer()
        if self.stubborn:
            raise self.refusal
        seen = self.machines.get(record.uuid)
        if seen is None:
            return
        mark = seen.mark
        if mark is None or (mark.owner, mark.uuid, mark.name, seen.name) != (
            owner,
            record.uuid,
            record.name,
            record.name,
        ):
            raise NameTaken(f"{record.name}: {record.uuid} is not this daemon's machine; untouched")
        self.end(record.uuid, "destroyed")

    async def lookup(self, uuid: str) -> Sighting | None:
        await self._answer()
        return self.machines.get(uuid)

    async def capacity(self) -> Capacity:
        await self._answer()
        return self.room

    def watch(self, callback: Callable[[str], None]) -> None:
        self._callback = callback

    def put(
        self, uuid: str, name: str, *, mark: Mark | None = None, processors: int = 1
    ) -> Sighting:
        """Have a machine here that nobody asked for: a foreign one unless it carries a mark."""
        sighting = Sighting(
            uuid=uuid,
            name=name,
            condition=Condition.RUNNING,
            mark=mark,
            processors=processors,
            raw="running",
        )
        self.machines[uuid] = sighting
        self._names[name] = uuid
        return sighting

    def end(self, uuid: str, how: str = "shutdown") -> None:
        """Let a machine end, and tell of it."""
        self._names.pop(self.machines.pop(uuid).name, None)
        self.specs.pop(uuid, None)
        self.endings[uuid] = Ending(at=self.clock(), how=how)
        self._callback(uuid)

    def vanish(self, uuid: str) -> None:
        """Let a machine be gone without a word."""
        self._names.pop(self.machines.pop(uuid).name, None)
        self.specs.pop(uuid, None)

    def turn(self, uuid: str, condition: Condition) -> None:
        """Let a machine be paused, stopped or running, and tell of it."""
        self.machines[uuid] = evolve(self.machines[uuid], condition=condition, raw=condition.value)
        self._callback(uuid)

    def use(self, uuid: str, cpu_seconds: float) -> None:
        """Let a machine have used so much CPU time in all."""
        self.machines[uuid] = evolve(self.machines[uuid], cpu_seconds=cpu_seconds)

    def arrive(self) -> None:
        """Make the machines whose creation was delayed."""
        late, self.delayed = self.delayed, []
        for spec in late:
            self._make(spec)

    def release(self, error: Exception | None = None) -> None:
        """Let all calls that hang go on, or fail with ``error``."""
        hanging, self._hanging = self._hanging, []
        for waiting in hanging:
            if error is None:
                waiting.callback(None)
            else:
                waiting.errback(error)

    async def _answer(self) -> None:
        if self.hang:
            waiting: Deferred[None] = Deferred()
            self._hanging.append(waiting)
            await waiting
        if self.broken is not None:
            raise self.broken

    def _make(self, spec: Spec) -> None:
        record, mark = spec.record, spec.mark
        there = self.machines.get(record.uuid)
        if there is not None:
            if there.mark is None or evolve(there.mark, facts=mark.facts) != mark:
                raise NameTaken(f"{record.name}: the uuid {record.uuid} is another machine's")
            return
        if self._taken(record.name):
            raise NameTaken(f"{record.name}: another machine has this name")
        if not all(text.isprintable() for text in (record.name, mark.owner, mark.space)):
            raise BadRequest(f"{record.name!r}: names hold printable characters only")
        self.machines[record.uuid] = Sighting(
            uuid=record.uuid,
            name=record.name,
            condition=Condition.RUNNING,
            mark=mark,
            processors=record.processors,
            memory_mb=record.memory_mb,
            raw="running",
        )
        self._names[record.name] = record.uuid
        self.specs[record.uuid] = spec
        self._callback(record.uuid)

    def _taken(self, name: str) -> bool:
        # A factory of thousands is filled in linear time only if names are not searched.
        if len(self._names) != len(self.machines):
            self._names = {machine.name: uuid for uuid, machine in self.machines.items()}
        holder = self.machines.get(self._names.get(name, ""))
        return holder is not None and holder.name == name
