"""
A simulated space: many factories on the real core and the real codec, and a clock of events.

Each factory's answers are encoded once and decoded once per cycle and shared by all who
read them. No reactor, no disk, no network.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Mapping
from typing import Any, Callable

from attrs import Factory as fresh
from attrs import define, evolve, field

from tests.core import values
from vcycle.core.asking.reports import report_of
from vcycle.core.config.model import Machinetype, Space
from vcycle.core.machine import (
    Condition,
    Ending,
    Limits,
    Mark,
    Record,
    Sighting,
    State,
    Survey,
    Traces,
)
from vcycle.core.observation import Budget, Creation, Host, Observation, Plan, Reviewed
from vcycle.core.peers import PeerReport, Peers, joined
from vcycle.core.plan import plan_cycle
from vcycle.core.snapshot import Snapshot
from vcycle.core.vacquery.bodies import machinetype_statuses
from vcycle.core.vacquery.decode import decode_answer
from vcycle.core.vacquery.encode import cookie_json, head, tail
from vcycle.core.vacquery.messages import MachinetypeStatus

START = 1767225600.0
MINUTE = 60.0
HOUR = 3600.0
DAY = 86400.0
HOST = Host(processors=256, load=0.0, disk_free=None)
BUDGET = Budget()
COOKIE = cookie_json("0" * 64)
TRIES = 6
"""How often a factory is asked within one round before it counts as silent."""

WAKE_SECONDS = 2.0
"""An early cycle comes so long after the machine's end that it was woken by."""

Life = Callable[[random.Random], "tuple[float, str]"]
"""How many seconds a machine will live, and its last words."""


def works(least: float, most: float, message: str = "200 Success") -> Life:
    """There is work, of anything between so many seconds."""
    return lambda chance: (chance.uniform(least, most), message)


def idles(least: float = 60.0, most: float = 180.0) -> Life:
    """There is no work: a machine asks for so many seconds, and says so."""
    return works(least, most, "300 No more work")


@define(eq=False)
class Machine:
    """What is really there."""

    record: Record
    sighting: Sighting
    ended_at: float | None = None
    message: str | None = None


@define(eq=False)
class SimulatedFactory:
    """One factory; ``skew`` is what its clock is ahead of the true one."""

    world: SimulatedSpace
    space: Space
    skew: float = 0.0
    up: bool = True
    records: dict[str, Record] = fresh(dict)
    machines: dict[str, Machine] = fresh(dict)
    histories: Mapping[str, Any] = fresh(dict)
    told: tuple[tuple[MachinetypeStatus, PeerReport], ...] = ()
    peers: Peers = fresh(Peers)
    plan: Plan | None = None
    wakes_at: float | None = None
    _made: int = 0

    @property
    def name(self) -> str:
        return self.space.factory_name

    @property
    def now(self) -> float:
        """Its own clock."""
        return self.world.now + self.skew

    def cycle(self, *, early: bool) -> None:
        """Ask, observe, decide, perform, and be ready to be asked."""
        self.wakes_at = None
        if not self.up:
            return
        if not early:
            self.peers = self.world.ask(self)
        self.plan = plan = plan_cycle(self._observation())
        self.histories = plan.histories
        self.records = {reviewed.record.uuid: reviewed.record for reviewed in plan.machines}
        for record in plan.end:
            self.machines.pop(record.uuid, None)
        for record in plan.destroy:
            self.world.end(self, record.uuid, None)
        states = list(plan.machines)
        for creation in plan.create:
            record = self._make(creation)
            states.append(Reviewed(record=record, state=State.REQUESTED))
        self._tell(tuple(states))

    def _observation(self) -> Observation:
        gone, seen, endings, traces = [], [], {}, {}
        for uuid, machine in self.machines.items():
            if machine.ended_at is None:
                seen.append(machine.sighting)
                continue
            at = machine.ended_at + self.skew
            gone.append(uuid)
            endings[uuid] = Ending(at=at, how="shutdown")
            traces[uuid] = Traces(message=machine.message, message_at=at)
        survey = Survey(
            taken_at=self.now,
            complete=True,
            sightings=tuple(seen),
            absent=frozenset(gone),
            endings=endings,
        )
        return Observation(
            now=self.now,
            space=self.space,
            owner=values.OWNER,
            records=tuple(self.records.values()),
            traces=traces,
            survey=survey,
            traits=values.TRAITS,
            histories=self.histories,
            host=HOST,
            budget=BUDGET,
            ready={},
            served_since=0.0,
            seed=self.world.chance.getrandbits(32),
            peers=self.peers,
        )

    def _make(self, creation: Creation) -> Record:
        self._made += 1
        machinetype = creation.machinetype
        uuid = f"{self.name}/{self._made}"
        record = Record(
            uuid=uuid,
            name=creation.name,
            slot=creation.slot,
            space=self.space.name,
            factory=self.name,
            machinetype=machinetype.name,
            model=machinetype.machine_model,
            processors=creation.processors,
            memory_mb=creation.memory_mb,
            limits=Limits(
                fizzle_seconds=machinetype.fizzle_seconds,
                max_wallclock_seconds=machinetype.max_wallclock_seconds,
            ),
            secret="",
            born=int(self.now),
            requested_at=self.now,
            shutdown_time=creation.shutdown_time,
            hs06_per_processor=self.space.hs06_per_processor,
        )
        sighting = Sighting(
            uuid=uuid,
            name=creation.name,
            condition=Condition.RUNNING,
            mark=Mark(
                owner=values.OWNER, space=self.space.name, uuid=uuid, name=creation.name, facts=""
            ),
            processors=creation.processors,
            memory_mb=creation.memory_mb,
        )
        self.records[uuid] = record
        self.machines[uuid] = Machine(record, sighting)
        self.world.begin(self, record)
        return record

    def _tell(self, machines: tuple[Reviewed, ...]) -> None:
        """The answers of this cycle, through the wire's own form and back."""
        snapshot = Snapshot(
            space=self.space, taken_at=self.now, machines=machines, histories=self.histories
        )
        told = []
        for status in machinetype_statuses(snapshot):
            datagram = head(COOKIE, int(self.now)) + tail(status)
            heard = decode_answer(datagram)
            assert isinstance(heard, MachinetypeStatus)
            told.append((heard, report_of(self.name, heard, self.world.now)))
        self.told = tuple(told)

    def reports(self, to: SimulatedFactory) -> Iterable[PeerReport]:
        """What it tells whom, on that one's clock, at this moment."""
        ahead = to.skew
        if not ahead:
            return [report for _, report in self.told]
        return [
            evolve(
                report,
                heard_at=report.heard_at + ahead,
                last_abort=None if report.last_abort is None else report.last_abort + ahead,
            )
            for _, report in self.told
        ]


@define(eq=False)
class SimulatedSpace:
    """
    Factories with machines, and time.

    ``lives`` says for each machinetype what becomes of a machine that starts now, ``broken``
    for a factory what becomes of any there. ``loss`` is the share of datagrams that get lost
    on their way, each for itself.
    """

    lives: dict[str, Life]
    broken: dict[str, Life] = fresh(dict)
    seed: int = 1
    loss: float = 0.0
    now: float = START
    factories: list[SimulatedFactory] = fresh(list)
    made: list[tuple[float, str, str]] = fresh(list)
    running: dict[str, float] = fresh(dict)
    chance: random.Random = field(init=False)
    cycles: int = 0
    _use: dict[str, float] = fresh(dict)
    _counted_at: float = START
    _events: list[tuple[float, int, Callable[[], None]]] = fresh(list)
    _order: int = 0

    def __attrs_post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def add(self, number: int, machinetypes: Iterable[Machinetype], **changes: Any) -> None:
        """So many factories of the same configuration, their cycles spread over a minute."""
        had = len(self.factories)
        names = [f"factory{had + n + 1}.example.com" for n in range(number)]
        for name in names:
            space = values.space(
                *machinetypes,
                **{"factory_name": name, "factories": tuple(names), **changes},
            )
            factory = SimulatedFactory(self, space)
            self.factories.append(factory)
            self._regular(factory, self.chance.uniform(0, space.cycle_seconds))

    @property
    def room(self) -> int:
        """The processors of all factories together."""
        return sum(factory.space.total_processors or 0 for factory in self.factories)

    def at(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something so many seconds from now."""
        self._order += 1
        heapq.heappush(self._events, (self.now + seconds, self._order, act))

    def advance(self, seconds: float) -> None:
        """Let time pass, from event to event."""
        until = self.now + seconds
        while self._events and self._events[0][0] <= until:
            self.now, _, act = heapq.heappop(self._events)
            act()
        self.now = until

    def _regular(self, factory: SimulatedFactory, seconds: float) -> None:
        def cycle() -> None:
            self.cycles += 1
            factory.cycle(early=False)
            self._regular(factory, factory.space.cycle_seconds)

        self.at(seconds, cycle)

    def ask(self, asker: SimulatedFactory) -> Peers:
        """One round of questions to all others; the last word of one that is silent is kept."""
        reports: list[PeerReport] = []
        alive: set[str] = set()
        silent: dict[str, str] = {}
        for factory in self.factories:
            if factory is asker:
                continue
            told = list(factory.reports(asker)) if factory.up else []
            if self.loss:
                told = self._got_through(told)
            if told:
                alive.add(factory.name)
                reports += told
            else:
                silent[factory.name] = "no answer"
        found = Peers(
            reports=tuple(reports), alive=frozenset(alive), silent=silent, asked_at=asker.now
        )
        return joined(found, asker.peers, asker.space, asker.now)

    def _got_through(self, told: list[PeerReport]) -> list[PeerReport]:
        """Asked again and again until all answers came, each way with its losses."""
        got: set[int] = set()
        for _ in range(TRIES):
            if len(got) == len(told):
                break
            if self.chance.random() >= self.loss:
                got.update(n for n in range(len(told)) if self.chance.random() >= self.loss)
        return [told[n] for n in sorted(got)]

    def begin(self, factory: SimulatedFactory, record: Record) -> None:
        """A machine begins its life."""
        name = record.machinetype
        self.made.append((self.now, name, factory.name))
        self._count(name, record.hs06)
        life = self.broken.get(factory.name, self.lives[name])
        seconds, message = life(self.chance)
        self.at(seconds, lambda: self.end(factory, record.uuid, message))

    def end(self, factory: SimulatedFactory, uuid: str, message: str | None) -> None:
        """A machine ends, if it has not ended yet, and its factory is woken."""
        machine = factory.machines.get(uuid)
        if machine is None or machine.ended_at is not None:
            return
        machine.ended_at, machine.message = self.now, message
        self._count(machine.record.machinetype, -machine.record.hs06)
        if factory.up and factory.wakes_at is None:
            factory.wakes_at = self.now + WAKE_SECONDS
            self.at(WAKE_SECONDS, lambda: self._wake(factory))

    def _wake(self, factory: SimulatedFactory) -> None:
        if factory.wakes_at is not None:
            factory.cycle(early=True)

    def kill(self, factory: SimulatedFactory) -> None:
        """A factory's host loses its power: its machines are gone, and so is its memory."""
        for uuid in list(factory.machines):
            self.end(factory, uuid, None)
        factory.up = False
        factory.wakes_at = None
        factory.records, factory.machines, factory.histories, factory.told = {}, {}, {}, ()

    def _count(self, machinetype: str, hs06: float) -> None:
        self._flush()
        self.running[machinetype] = self.running.get(machinetype, 0.0) + hs06

    def _flush(self) -> None:
        seconds = self.now - self._counted_at
        self._counted_at = self.now
        if seconds:
            for name, hs06 in self.running.items():
                self._use[name] = self._use.get(name, 0.0) + hs06 * seconds

    def shares(self, seconds: float) -> dict[str, float]:
        """Let time pass, and see what share of all HS06 in use each machinetype had."""
        self._flush()
        before = dict(self._use)
        self.advance(seconds)
        self._flush()
        used = {name: self._use[name] - before.get(name, 0.0) for name in self._use}
        total = sum(used.values())
        return {name: hs06 / total for name, hs06 in used.items()}

    def started(self, machinetype: str, since: float) -> list[tuple[float, str]]:
        """When and where machines of this type were started since a moment."""
        return [(at, where) for at, name, where in self.made if name == machinetype and at >= since]
