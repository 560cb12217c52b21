"""One cycle of one space: observe, plan, perform, publish."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Callable

from attrs import define, evolve, field

from vcycle.core.config.model import Space
from vcycle.core.drains import Drain, in_force
from vcycle.core.errors import StoreError, VcycleError
from vcycle.core.leaks import unclaimed
from vcycle.core.machine import State, Survey
from vcycle.core.observation import Host, Observation, Plan, Reviewed, Verdict
from vcycle.core.peers import Peers
from vcycle.core.plan import plan_cycle
from vcycle.core.snapshot import Snapshot, counts_line
from vcycle.daemon import events
from vcycle.daemon.hypervisor import Hypervisor
from vcycle.daemon.knowledge import Knowledge
from vcycle.daemon.lending import Lending
from vcycle.daemon.materials import Materials, gather, longest_life
from vcycle.daemon.parallel import both
from vcycle.daemon.peers import nobody
from vcycle.daemon.perform import Performed, Performer
from vcycle.daemon.telling import Telling
from vcycle.interfaces import ICredentials, IImages, IMachineStore, RunInThread

PRUNE_SECONDS = 3600.0

Journal = Callable[[Observation, Plan, float], Coroutine[Any, Any, None]]


async def nothing_drained() -> tuple[Drain, ...]:
    """What is drained where nobody can order it."""
    return ()


async def unwritten(observation: Observation, plan: Plan, now: float) -> None:
    """What becomes of cycles where no journal is kept."""


def unremarked(space: Space) -> tuple[str, ...]:
    """What is told of a space where nobody has anything to tell."""
    return ()


async def unwatched(snapshot: Snapshot) -> None:
    """What a cycle does last where nobody watches."""


@define(kw_only=True)
class Cycle:
    """
    Runs the cycles of one space. ``space`` and ``problems`` are set by whoever reads the
    configuration; with problems the space is supervised as before and nothing is created.
    ``peers`` tells of the other factories: it asks them, unless a cycle is early.
    ``hearts`` names those, beside the factory's own, whose heartbeats are written; ``last`` is
    what a cycle does last of all. ``drains`` are what an administrator ordered; ``ready`` tells
    of each machinetype why it cannot be made; ``journal`` keeps what was seen and planned;
    ``remarks`` are problems that keep nothing from being made.
    """

    space: Space
    owner: str
    hypervisor: Hypervisor
    store: IMachineStore
    lending: Lending
    images: IImages
    knowledge: Knowledge
    performer: Performer
    clock: Callable[[], float]
    host: Callable[[], Host]
    directory: Callable[[str], str]
    in_thread: RunInThread
    publish: Callable[[Snapshot], None]
    telling: Telling
    peers: Callable[[Space, bool], Coroutine[Any, Any, Peers]] = nobody
    hearts: Callable[[], Sequence[str]] = tuple
    last: Callable[[Snapshot], Awaitable[None]] = unwatched
    drains: Callable[[], Coroutine[Any, Any, tuple[Drain, ...]]] = nothing_drained
    journal: Journal = unwritten
    remarks: Callable[[Space], Sequence[str]] = unremarked
    credentials: ICredentials | None = None
    problems: tuple[str, ...] = ()
    ready: Mapping[str, str | None] = field(factory=dict)
    materials: dict[str, Materials] = field(factory=dict)
    steps: tuple[float, ...] = ()
    _drained: tuple[Drain, ...] = field(default=(), init=False)
    _pruned_at: float | None = field(default=None, init=False)
    _served_since: float | None = field(default=None, init=False)
    _trouble: str | None = field(default=None, init=False)

    async def run(self, early: bool) -> None:
        """One cycle; an early one leaves out what need not be done so often."""
        serving = await self.hypervisor.ready()
        if not early:
            await self.hypervisor.measure()
        self._note_server()
        (survey, silent), peers = await both(self._survey(), self.peers(self.space, early))
        await self.lending.look(self.space, survey, tuple(self.knowledge.records.values()))
        self.ready = await self._ready()
        host, unseen = await self.look_at_host()
        self._drained, undrained = await self.look_at_drains()
        found = (text for text in (undrained, silent, serving, unseen) if text is not None)
        problems = (*self.problems, *found)
        space, hypervisor = self.space, self.hypervisor
        await hypervisor.planning.acquire()
        try:
            hypervisor.totals[space.name] = (space.total_processors, space.total_mb)
            observation = self.observation(survey, peers, host, self._drained, problems)
            plan = await self.in_thread(lambda: plan_cycle(observation))
            hypervisor.uses[space.name] = plan.use
        finally:
            hypervisor.planning.release()
        performed = await self.performer.perform(plan, self.space, self.materials)
        self.telling.plan(plan)
        await self._close(observation, plan, performed)

    def _note_server(self) -> None:
        """Once for each time it began to listen: steps of the clock are made up for from then."""
        since = self.hypervisor.server.since
        if since != self._served_since:
            self._served_since = self.knowledge.served_since = since

    async def look_at_drains(self) -> tuple[tuple[Drain, ...], str | None]:
        """The drains as they are now, and why they cannot be known: then those known last."""
        try:
            return await self.drains(), None
        except VcycleError as error:
            return self._drained, str(error)

    async def look_at_host(self) -> tuple[Host, str | None]:
        try:
            host = await self.in_thread(self.host)
            return (host if self.hypervisor.local else evolve(host, load=0.0)), None
        except VcycleError as error:
            return Host(processors=1, load=0.0, disk_free=None), f"the host is not known: {error}"

    async def _survey(self) -> tuple[Survey | None, str | None]:
        try:
            survey = await self.hypervisor.provider.survey(tuple(self.knowledge.records))
        except VcycleError as error:
            self.telling.lost(str(error), self.clock())
            return None, f"the provider does not answer: {error}"
        self.telling.answered(self.clock())
        return survey, None

    async def _ready(self) -> Mapping[str, str | None]:
        """For each machinetype why it cannot be made, or None; what it is made of is kept."""
        ready: dict[str, str | None] = {}
        for name, machinetype in self.space.machinetypes.items():
            ready[name] = self.knowledge.blocked.get(name)
            if machinetype.target_share <= 0:
                continue
            directory = self.directory(machinetype.directory)
            try:
                self.materials[name] = await gather(
                    machinetype, self.images, directory, self.in_thread
                )
                await self.lending.ready(machinetype, self.space)
                if machinetype.user_data_proxy and self.credentials is not None:
                    until = longest_life(machinetype, self.space, self.clock())
                    await self.credentials.ready(directory, until, machinetype.legacy_proxy)
            except VcycleError as error:
                ready[name] = str(error)
        return ready

    def observation(
        self,
        survey: Survey | None,
        peers: Peers,
        host: Host,
        drains: tuple[Drain, ...],
        problems: tuple[str, ...],
    ) -> Observation:
        """All that is known now, with these looks at the world; nothing is changed by it."""
        hypervisor, knowledge, now = self.hypervisor, self.knowledge, self.clock()
        return Observation(
            now=now,
            space=self.space,
            owner=self.owner,
            records=tuple(knowledge.records.values()),
            traces=dict(knowledge.traces),
            survey=survey,
            traits=hypervisor.provider.traits,
            histories=dict(knowledge.histories),
            host=host,
            budget=hypervisor.budget(),
            ready=dict(self.ready),
            served_since=now if knowledge.served_since is None else knowledge.served_since,
            seed=random.getrandbits(32),
            others=hypervisor.others(self.space.name),
            peers=peers,
            problems=problems,
            held=knowledge.held,
            steps=self.steps,
            pool=self.lending.pool,
            drains=drains,
            asked=dict(knowledge.asked),
        )

    async def _close(self, seen: Observation, plan: Plan, performed: Performed) -> None:
        """Publish, count, and write the heartbeat last of all."""
        now = self.clock()
        self.telling.troubles(performed.problems)
        snapshot = Snapshot(
            space=self.space,
            taken_at=now,
            machines=self._machines(plan),
            traces=dict(self.knowledge.traces),
            over=tuple(self.knowledge.over.values()),
            verdicts=self.remarked(plan).verdicts,
            histories=dict(self.knowledge.histories),
            problems=seen.problems
            + plan.alarms
            + performed.problems
            + tuple(self.remarks(self.space)),
            processors_limit=self._processors_limit(),
            peers=seen.peers,
            host=seen.host,
            answered=seen.survey is not None,
            unclaimed=unclaimed(seen.survey, plan, self.owner, self.space.name),
            left=self.lending.left(now),
            reasons=plan.reasons,
            drain=in_force(seen.drains, self.space.name, None, now),
        )
        self.publish(snapshot)
        trouble = None
        write = partial(self.journal, seen, plan)
        for act in (self._prune, write, partial(self._show, snapshot)):
            try:
                await act(now)
            except StoreError as error:
                trouble = str(error)
        if trouble is not None and trouble != self._trouble:
            events.store_failed(self.space.name, trouble)
        self._trouble = trouble

    def remarked(self, plan: Plan) -> Plan:
        """The plan as it is shown: with what is to be told of the images that are used."""
        now = self.clock()

        def told(verdict: Verdict) -> Verdict:
            materials = self.materials.get(verdict.machinetype)
            remark = None if materials is None else materials.remark(now)
            return verdict if remark is None else evolve(verdict, text=f"{verdict.text} ({remark})")

        return evolve(plan, verdicts=tuple(map(told, plan.verdicts)))

    async def _prune(self, now: float) -> None:
        if self._pruned_at is None or now - self._pruned_at >= PRUNE_SECONDS:
            self._pruned_at = now
            await self.store.prune(now)

    async def _show(self, snapshot: Snapshot, now: float) -> None:
        await self.store.count(counts_line(snapshot))
        for heart in (*self.hearts(), "factory"):
            await self.store.beat(heart, now)
        await self.last(snapshot)

    def _machines(self, plan: Plan) -> tuple[Reviewed, ...]:
        """As planned, less those that could not be made, and with those that were."""
        states = {reviewed.record.uuid: reviewed.state for reviewed in plan.machines}
        return tuple(
            Reviewed(record=record, state=states.get(record.uuid, State.REQUESTED))
            for record in self.knowledge.records.values()
        )

    def _processors_limit(self) -> int | None:
        limits = [self.space.total_processors, self.hypervisor.budget().processors]
        known = [limit for limit in limits if limit is not None]
        return min(known) if known else None

    def reconfigure(self, space: Space) -> None:
        """A changed configuration: what was refused for the former one may be asked again."""
        if space != self.space:
            self.knowledge.blocked.clear()
        self.space = space
