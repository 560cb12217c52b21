"""Whether one machinetype may start at all: the rules that look at nothing but itself."""

from __future__ import annotations

from collections.abc import Iterator

from vcycle.core.config.model import Machinetype
from vcycle.core.drains import in_force, told
from vcycle.core.moments import moment
from vcycle.core.observation import Observation
from vcycle.core.reasons.rule import Rule
from vcycle.core.scouting import Turn


def own_rules(observation: Observation, machinetype: Machinetype, turn: Turn) -> Iterator[Rule]:
    """
    The rules in their order; the first that refuses is why it does not start.

    ``turn`` is what back-off and probation say of it.
    """
    none = machinetype.target_share <= 0
    yield Rule(
        name="target_share",
        seen=f"{machinetype.target_share:g}",
        refusal="target_share is 0" if none else None,
        word="no-share",
    )
    not_ready = observation.ready.get(machinetype.name)
    yield Rule(
        name="images and files",
        seen="all are here" if not_ready is None else "not all are here",
        refusal=not_ready,
        word="not-ready",
    )
    drain = in_force(observation.drains, observation.space.name, machinetype.name, observation.now)
    yield Rule(
        name="drain",
        seen="not drained" if drain is None else f"by {drain.by}",
        refusal=None if drain is None else told(drain),
        word="drained",
        until=None if drain is None else drain.until,
    )
    yield _time_left(observation, machinetype)
    yield Rule(
        name="back-off",
        seen=turn.seen or turn.gate.value,
        refusal=turn.text if turn.shut else None,
        word=turn.gate.value,
        until=turn.until,
    )


def _time_left(observation: Observation, machinetype: Machinetype) -> Rule:
    end, needed = observation.space.shutdown_time, machinetype.min_wallclock_seconds
    refusal = None
    if end is not None and observation.now + needed >= end:
        refusal = f"shutdown_time {moment(end)} is nearer than its min_wallclock_seconds ({needed})"
    seen = f"min_wallclock_seconds {needed}, shutdown_time"
    return Rule(
        name="time left",
        seen=f"{seen} {'not set' if end is None else moment(end)}",
        refusal=refusal,
        word="shutdown",
    )
