"""Which machines to start now: one after another until nothing fits, each scored anew."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from vcycle.core.addresses import slot_name
from vcycle.core.backoff import History
from vcycle.core.config.model import Machinetype
from vcycle.core.eligibility import own_rules
from vcycle.core.observation import Creation, Observation, Reviewed, Verdict
from vcycle.core.reasons.rule import Reasons, Rule, refusing
from vcycle.core.room import Room
from vcycle.core.scouting import Scene
from vcycle.core.shares import by_need, needs
from vcycle.core.superslots import Fit, first_fit, superslots

UNLIMITED = 1 << 62
"""Processors, where neither the space nor its provider sets a limit."""


@define
class Creations:
    """
    The creations of one cycle, and the verdict on each machinetype.

    Requested, starting, running, draining and doomed machines all count against every limit.
    Peers' machines count for the shares. ``_young`` is counted on as machines are chosen.
    """

    _observation: Observation
    _living: tuple[Reviewed, ...]
    _histories: Mapping[str, History]
    _scenes: Mapping[str, Scene]
    _young: dict[str, int]
    _taken: frozenset[str]
    _free_processors: int | None
    _free_memory: int | None
    _free_machines: int | None
    _hs06: dict[str, float] = field(init=False)
    _ending: dict[float, int] = field(init=False)
    _slots: set[int] = field(init=False)
    _next_slot: int = field(init=False, default=0)
    _room: Room = field(init=False)
    _rules: dict[tuple[str, int], tuple[Rule, ...]] = field(init=False, factory=dict)
    chosen: list[Creation] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        self._hs06 = {
            name: sum(report.running_hs06 for report in scene.reports)
            for name, scene in self._scenes.items()
        }
        living = tuple(reviewed.record for reviewed in self._living)
        self._room = Room.of(self._observation, living)
        self._ending = {}
        self._slots = {reviewed.record.slot for reviewed in self._living}
        for reviewed in self._living:
            record = reviewed.record
            self._count(record.machinetype, record.hs06, record.processors, record.shutdown_time)

    def _count(self, machinetype: str, hs06: float, processors: int, ends: float) -> None:
        self._hs06[machinetype] = self._hs06.get(machinetype, 0.0) + hs06
        self._ending[ends] = self._ending.get(ends, 0) + processors

    def choose(self) -> None:
        """Fill ``chosen``; called once."""
        space = self._observation.space
        while len(self.chosen) < space.creations_per_cycle:
            order = by_need(tuple(space.machinetypes.values()), self._hs06, self._observation.seed)
            candidates = [self._room.capped(m) for m in order if not self._hindered(m)]
            fit = self._fit(candidates)
            if fit is None:
                return
            self._start(fit)

    def _fit(self, candidates: list[Machinetype]) -> Fit | None:
        space = self._observation.space
        if self._free_machines is not None and self._free_machines <= 0:
            return None
        return first_fit(
            candidates,
            ending=self._ending,
            free=self._processors(),
            size=space.processors_per_superslot,
            end_before=None if space.shutdown_time is None else float(space.shutdown_time),
            now=self._observation.now,
        )

    def _processors(self) -> int:
        """Processors for which there is memory too."""
        free = self._free_processors
        if self._free_memory is not None:
            by_memory = self._free_memory // self._observation.space.mb_per_processor
            free = by_memory if free is None else min(free, by_memory)
        return UNLIMITED if free is None else max(0, free)

    def _start(self, fit: Fit) -> None:
        space = self._observation.space
        machinetype = self._room.sized(space.machinetypes[fit.machinetype.name])
        slot, name = self._free_slot()
        had = self._hs06.get(machinetype.name, 0.0)
        where = "fills a superslot" if fit.joins else "new"
        self.chosen.append(
            Creation(
                machinetype=machinetype,
                slot=slot,
                name=name,
                processors=fit.processors,
                memory_mb=fit.processors * space.mb_per_processor,
                shutdown_time=fit.shutdown_time,
                reason=f"share {machinetype.target_share:g}, {had:g} HS06 in use, {where}",
            )
        )
        hs06 = fit.processors * (space.hs06_per_processor or 1.0)
        self._count(machinetype.name, hs06, fit.processors, fit.shutdown_time)
        self._young[machinetype.name] = self._young.get(machinetype.name, 0) + 1
        self._room.take(machinetype, fit.processors)
        if self._free_processors is not None:
            self._free_processors -= fit.processors
        if self._free_memory is not None:
            self._free_memory -= fit.processors * space.mb_per_processor
        if self._free_machines is not None:
            self._free_machines -= 1

    def _free_slot(self) -> tuple[int, str]:
        """The lowest slot that no record and no listed machine of that name occupies."""
        factory = self._observation.space.factory_name
        while True:
            slot = self._next_slot
            self._next_slot += 1
            name = slot_name(factory, slot)
            if slot not in self._slots and name not in self._taken:
                return slot, name

    def rules(self, machinetype: Machinetype) -> tuple[Rule, ...]:
        """What can keep this machinetype alone from starting, in order."""
        return (*self._own(machinetype), self._room.rule(machinetype))

    def _own(self, machinetype: Machinetype) -> tuple[Rule, ...]:
        young = self._young.get(machinetype.name, 0)
        known = self._rules.get((machinetype.name, young))
        if known is None:
            history = self._histories.get(machinetype.name, History())
            turn = self._scenes[machinetype.name].turn(history.outlook, young)
            known = tuple(own_rules(self._observation, machinetype, turn))
            self._rules[machinetype.name, young] = known
        return known

    def _hindered(self, machinetype: Machinetype) -> bool:
        return refusing(self._own(machinetype)) is not None or self._room.full(machinetype)

    def reasons(self, space: tuple[Rule, ...]) -> Reasons:
        """All that was found, for those who ask why; ``space`` are the rules for all."""
        machinetypes = self._observation.space.machinetypes
        ends = [reviewed.record.shutdown_time for reviewed in self._living]
        size, free = self._observation.space.processors_per_superslot, self._processors()
        return Reasons(
            space=space,
            machinetypes={name: self.rules(m) for name, m in machinetypes.items()},
            order=tuple(needs(tuple(machinetypes.values()), self._hs06, self._observation.seed)),
            superslots=tuple(superslots(self._ending, free, size)),
            free_processors=self._free_processors,
            free_memory_mb=self._free_memory,
            free_machines=self._free_machines,
            ends_at=min(ends, default=None),
        )

    def verdicts(self, veto: str | None, full: str | None = None) -> tuple[Verdict, ...]:
        """
        One verdict for each machinetype, in the order of the configuration.

        ``veto`` and ``full`` are why no machinetype at all may start.
        """
        started: dict[str, int] = {}
        for creation in self.chosen:
            started[creation.machinetype.name] = started.get(creation.machinetype.name, 0) + 1
        return tuple(
            self._verdict(machinetype, started.get(machinetype.name, 0), veto, full)
            for machinetype in self._observation.space.machinetypes.values()
        )

    def _verdict(
        self, machinetype: Machinetype, started: int, veto: str | None, full: str | None
    ) -> Verdict:
        name = machinetype.name
        if started:
            return Verdict(
                machinetype=name, word="started", text=f"starting {started} now", started=started
            )
        hindrance = refusing(self.rules(machinetype))
        if hindrance is not None:
            return Verdict(machinetype=name, word=hindrance.word, text=hindrance.refusal or "")
        if veto is not None:
            return Verdict(machinetype=name, word="vetoed", text=veto)
        if full is not None:
            return Verdict(machinetype=name, word="full", text=full)
        if len(self.chosen) >= self._observation.space.creations_per_cycle:
            text = f"creations_per_cycle ({len(self.chosen)}) is reached"
            return Verdict(machinetype=name, word="later", text=text)
        return Verdict(machinetype=name, word="no-room", text=self._no_room(machinetype))

    def _no_room(self, machinetype: Machinetype) -> str:
        space = self._observation.space
        if machinetype.min_processors > space.processors_per_superslot:
            return (
                f"min_processors ({machinetype.min_processors}) is more than"
                f" processors_per_superslot ({space.processors_per_superslot})"
            )
        if self._free_machines is not None and self._free_machines <= 0:
            return f"total_machines ({space.total_machines}) is reached"
        least = machinetype.min_processors
        free, memory = self._free_processors, self._free_memory
        if free is not None and free < least:
            return f"no room for min_processors ({least}): {max(0, free)} processors are free"
        if memory is not None and memory < least * space.mb_per_processor:
            return (
                f"no room for min_processors ({least}) of mb_per_processor"
                f" ({space.mb_per_processor}): {max(0, memory)} MiB are free"
            )
        return "what is free is kept for superslots that it cannot join"
