"""What an administrator orders of the running daemon, and what is answered."""

from __future__ import annotations

import math
import pwd
from collections.abc import Awaitable, Mapping
from typing import Any, Callable

from attrs import define

from vcycle.core.drains import MAX_REASON, Drain, encode
from vcycle.core.errors import VcycleError
from vcycle.core.machine import Doom, Outcome
from vcycle.core.observation import Observation, Plan
from vcycle.core.reasons.planned import orphans, planned
from vcycle.daemon import events
from vcycle.daemon.drains import Drains
from vcycle.daemon.foresight import cycle_of, foresee
from vcycle.daemon.showing import find, shown
from vcycle.daemon.space import SpaceRunner
from vcycle.daemon.unlent import unlent
from vcycle.interfaces import RunInThread
from vcycle.monitor.control import Caller

Leftovers = Callable[[Mapping[str, frozenset[str]]], list[dict[str, object]]]
"""
What of the state directory belongs to no machine, from the names of living machines'
directories by space; blocks.
"""

MAX_DRAIN_SECONDS = 10 * 366 * 86400.0


def nothing_left(living: Mapping[str, frozenset[str]]) -> list[dict[str, object]]:
    """Where nothing is looked for."""
    return []


@define(eq=False)
class Control:
    """
    Carries orders out, and says in the log who gave them.

    ``runners`` are the spaces as they run, ``wake`` asks all of them for a cycle at once.
    """

    runners: Callable[[], Mapping[str, SpaceRunner]]
    wake: Callable[[], None]
    drains: Drains
    clock: Callable[[], float]
    in_thread: RunInThread
    leftovers: Leftovers = nothing_left

    async def answer(self, order: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """
        What comes of an order.

        :raises VcycleError: it cannot be carried out; the text says why.
        """
        acts: Mapping[str, Callable[[Mapping[str, Any], str], Awaitable[Mapping[str, Any]]]] = {
            "plan": self._plan,
            "orphans": self._orphans,
            "show": self._show,
            "drain": self._drain,
            "resume": self._resume,
            "destroy": self._destroy,
        }
        kind = order.get("order")
        if not isinstance(kind, str) or kind not in acts:
            raise VcycleError("no such order; vcycled and this command should be of one version")
        user = await self.in_thread(lambda: _user(caller.uid))
        return await acts[kind](order, f"{user} (uid {caller.uid}, pid {caller.pid})")

    def _spaces(self, order: Mapping[str, Any]) -> dict[str, SpaceRunner]:
        runners, name = dict(self.runners()), _text(order, "space")
        if name is None:
            return runners
        if name not in runners:
            names = ", ".join(sorted(runners)) or "none"
            raise VcycleError(f"there is no space {name!r} here; there are: {names}")
        return {name: runners[name]}

    async def _plan(self, order: Mapping[str, Any], who: str) -> Mapping[str, Any]:
        seen = [await foresee(runner) for runner in self._spaces(order).values()]

        def told() -> list[dict[str, object]]:
            return [planned(*pair) for pair in seen]

        return {"spaces": await self.in_thread(told)}

    async def _orphans(self, order: Mapping[str, Any], who: str) -> Mapping[str, Any]:
        runners = self._spaces(order)
        seen: list[tuple[Observation, Plan]] = [await foresee(r) for r in runners.values()]
        everywhere = {name: cycle_of(r).knowledge.records for name, r in self.runners().items()}
        known = frozenset(uuid for records in everywhere.values() for uuid in records)
        living = {
            name: frozenset(record.directory for record in records.values())
            for name, records in everywhere.items()
        }

        lent: list[dict[str, object]] = []
        problems = [problem for each, _ in seen for problem in each.problems]
        for runner, (each, _) in zip(runners.values(), seen):
            cycle = cycle_of(runner)
            left, unseen = await unlent(
                cycle.hypervisor, cycle.lending.exports, each.space, each.survey, each.records
            )
            lent += left
            problems += unseen

        def told() -> list[dict[str, object]]:
            found = [orphans(each, frozenset(everywhere), known) for each, _ in seen]
            return sum(found, lent) + self.leftovers(living)

        unique = {tuple(each.items()): each for each in await self.in_thread(told)}
        return {"orphans": list(unique.values()), "problems": problems}

    async def _show(self, order: Mapping[str, Any], who: str) -> Mapping[str, Any]:
        runner, record = find(self._spaces(order).values(), _needed(order, "machine"))
        return {"shown": await shown(runner, record)}

    async def _destroy(self, order: Mapping[str, Any], who: str) -> Mapping[str, Any]:
        runner, record = find(self._spaces(order).values(), _needed(order, "machine"))
        knowledge = cycle_of(runner).knowledge
        if record.uuid not in knowledge.records:
            raise VcycleError(f"{record.name} is over already")
        if record.doom is None:
            events.ordered(who, f"destroy {record.name} ({record.uuid})")
            user = who.partition(" ")[0]
            knowledge.asked[record.uuid] = Doom(
                outcome=Outcome.STOPPED, text=f"destroyed by {user}", since=self.clock()
            )
            runner.wake()
        return {"machine": record.name, "uuid": record.uuid}

    async def _drain(self, order: Mapping[str, Any], who: str) -> Mapping[str, Any]:
        self._spaces(order)
        machinetype = self._machinetype(order)
        now = self.clock()
        drain = Drain(
            space=_text(order, "space"),
            machinetype=machinetype,
            reason=_text(order, "reason") or "no reason was given",
            by=who.partition(" ")[0],
            since=now,
            until=_until(order, now),
        )
        events.ordered(who, f"drain {_target(drain.space, machinetype)}: {drain.reason}")
        await self.drains.add(drain)
        self.wake()
        return encode(await self.drains.known())

    async def _resume(self, order: Mapping[str, Any], who: str) -> Mapping[str, Any]:
        space, machinetype = _text(order, "space"), _text(order, "machinetype")
        target = _target(space, machinetype)
        events.ordered(who, f"resume {target}")
        ended = await self.drains.end(space, machinetype)
        self.wake()
        return {"ended": len(ended), **encode(await self.drains.known())}

    def _machinetype(self, order: Mapping[str, Any]) -> str | None:
        name = _text(order, "machinetype")
        there = {n for r in self._spaces(order).values() for n in r.space.machinetypes}
        if name is not None and name not in there:
            raise VcycleError(
                f"there is no machinetype {name!r}; there are: {', '.join(sorted(there))}"
            )
        return name


def _target(space: str | None, machinetype: str | None) -> str:
    what = "all machinetypes" if machinetype is None else machinetype
    return f"{what} of {'all spaces' if space is None else space}"


def _user(uid: int) -> str:
    """The account's name, which the kernel vouches for; its number where it has none."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
    return name if name.isprintable() and " " not in name and len(name) <= 32 else str(uid)


def _text(order: Mapping[str, Any], key: str) -> str | None:
    value = order.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > MAX_REASON or not value.isprintable():
        raise VcycleError(f"{key}: at most {MAX_REASON} printable characters")
    return value


def _needed(order: Mapping[str, Any], key: str) -> str:
    value = _text(order, key)
    if value is None:
        raise VcycleError(f"{key}: which?")
    return value


def _until(order: Mapping[str, Any], now: float) -> float | None:
    until, seconds = order.get("until"), order.get("seconds")
    if until is None and seconds is None:
        return None
    try:
        at = float(until) if until is not None else now + float(seconds)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        at = math.nan
    if not now < at <= now + MAX_DRAIN_SECONDS:
        raise VcycleError("a drain ends in the future, within ten years")
    return at
