"""One space as it runs: its store opened, its clock watched, its cycles one after another."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import IO, Callable

from attrs import define, field

from vcycle.core.config.model import Space
from vcycle.core.errors import VcycleError
from vcycle.core.heartbeats import heartbeats, listing
from vcycle.core.machine import Record, Traces
from vcycle.daemon import events
from vcycle.daemon.clocks import ClockWatch
from vcycle.daemon.cycle import Cycle
from vcycle.daemon.knowledge import Knowledge
from vcycle.interfaces import IMachineStore

MESSAGES = 3
"""Last messages of one machine that are told; what it says after so many is only kept."""

LIST_SECONDS = 5.0
"""For so long a list is given again as it was: machines may ask for it as often as they like."""


@define(kw_only=True, eq=False)
class SpaceRunner:
    """
    ``reload`` reads the configuration again if it changed. ``build`` makes the cycle once it is
    known what the store holds. ``wake`` asks for the next cycle at once. ``trouble`` is what
    failed before the last cycle, None if nothing did.
    """

    space: Space
    store: IMachineStore
    clocks: ClockWatch
    clock: Callable[[], float]
    reload: Callable[[], Awaitable[None]]
    build: Callable[[SpaceRunner, Knowledge], Cycle]
    wake: Callable[[], None]
    problems: tuple[str, ...] = ()
    trouble: str | None = field(default=None, init=False)
    _lists: dict[str, tuple[float, bytes]] = field(factory=dict, init=False)
    _heard: dict[str, int] = field(factory=dict, init=False)
    cycle: Cycle | None = field(default=None, init=False)

    async def run(self, early: bool) -> None:
        """One cycle; what fails before it is told, and tried again with the next."""
        if not early:
            await self.reload()
        trouble = None
        try:
            await self._watch_clocks()
        except VcycleError as error:
            trouble = str(error)
        try:
            if self.cycle is None:
                self.cycle = await self._open()
        except VcycleError as error:
            trouble = str(error)
        if trouble is not None and trouble != self.trouble:
            events.store_failed(self.space.name, trouble)
        self.trouble = trouble
        if self.cycle is None:
            return
        self.cycle.knowledge.catch_up(self.clocks.steps)
        self.cycle.steps = tuple(self.clocks.steps)
        self.cycle.reconfigure(self.space)
        self.cycle.problems = self.problems
        await self.cycle.run(early)

    async def _watch_clocks(self) -> None:
        stepped = await self.clocks.look()
        if stepped:
            events.clock_stepped(stepped)

    async def _open(self) -> Cycle:
        contents = await self.store.open()
        for damage in contents.damaged:
            events.alarmed(self.space.name, damage)
        knowledge = Knowledge.of(contents, await self.store.history())
        knowledge.catch_up(self.clocks.steps)
        cycle = self.build(self, knowledge)
        for record in knowledge.records.values():
            cycle.performer.maker.admit(record)
        return cycle

    def record(self, uuid: str) -> Record | None:
        """A living machine's record."""
        return None if self.cycle is None else self.cycle.knowledge.records.get(uuid)

    def machinefeatures(self) -> Mapping[str, str]:
        """The administrator's own keys of $MACHINEFEATURES."""
        return self.space.machinefeatures_options

    def public_key(self, machinetype: str) -> str | None:
        """The ssh key offered to machines of a machinetype."""
        materials = None if self.cycle is None else self.cycle.materials.get(machinetype)
        return None if materials is None else materials.public_key

    def heartbeats(self, machinetype: str) -> bytes:
        """The list of a machinetype's heartbeats, at most LIST_SECONDS old."""
        now = self.clock()
        at, body = self._lists.get(machinetype, (0.0, b""))
        if self.cycle is not None and not 0 <= now - at < LIST_SECONDS:
            knowledge = self.cycle.knowledge
            records = knowledge.records.values()
            body = listing(heartbeats(records, knowledge.traces, now, machinetype))
            self._lists = {
                name: kept
                for name, kept in self._lists.items()
                if 0 <= now - kept[0] < LIST_SECONDS
            }
            self._lists[machinetype] = (now, body)
        return body

    def read(self, record: Record, name: str) -> Awaitable[bytes | None]:
        """A file of the machine's directory."""
        return self.store.read(record, name)

    async def put(self, record: Record, name: str, body: IO[bytes]) -> Traces:
        """Keep a job output; a machine's last message makes the next cycle come at once."""
        traces = await self.store.put(record, name, body, self.clock())
        knowledge = None if self.cycle is None else self.cycle.knowledge
        if knowledge is None or record.uuid not in knowledge.records:
            return traces
        before = knowledge.traces.get(record.uuid)
        knowledge.traces[record.uuid] = traces
        if traces.message is not None and (before is None or before.message != traces.message):
            self._hear(record, traces.message, knowledge.records)
        return traces

    def _hear(self, record: Record, message: str, living: Mapping[str, Record]) -> None:
        """A machine that goes on and on about its end must not fill the log."""
        heard = self._heard.get(record.uuid, 0) + 1
        if len(self._heard) > len(living):
            self._heard = {uuid: n for uuid, n in self._heard.items() if uuid in living}
        self._heard[record.uuid] = heard
        if heard <= MESSAGES:
            events.said(record, message)
        self.wake()
