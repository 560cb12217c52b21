"""Reasons why a factory starts nothing at all now; existing machines go on."""

from __future__ import annotations

from collections.abc import Iterator

from vcycle.core.drains import in_force, told
from vcycle.core.looks import Looked
from vcycle.core.moments import moment
from vcycle.core.observation import Observation, Use
from vcycle.core.reasons.rule import Rule, refusing

DISK_RESERVE = 1 << 30
"""Bytes that have to be free where state is kept before another machine is made."""

FEW_PROCESSORS = 4
"""Up to so many running processors the host's load says nothing about them."""


def veto(observation: Observation, looked: Looked, use: Use, free: int | None) -> str | None:
    """
    The first reason not to start anything, as an operator reads it, or None.

    ``use`` is this space's own; ``free`` the processors that it may still give out, None
    for any number.
    """
    rule = refusing(vetoes(observation, looked, use, free))
    return None if rule is None else rule.refusal


def full(observation: Observation, use: Use, free: int | None) -> str | None:
    """Which limit is reached: a factory that is as busy as it may be, which is no news."""
    rule = refusing(limits(observation, use, free))
    return None if rule is None else rule.refusal


def vetoes(observation: Observation, looked: Looked, use: Use, free: int | None) -> Iterator[Rule]:
    """All rules that can keep a factory from starting anything, in their order."""
    space, host, now = observation.space, observation.host, observation.now
    problem = observation.problems[0] if observation.problems else None
    yield Rule(name="problems", seen=f"{len(observation.problems)} known", refusal=problem)
    survey = observation.survey
    seen = "no answer" if survey is None else f"{len(survey.sightings)} machines listed"
    yield Rule(name="list of machines", seen=seen, refusal=looked.doubt)
    yield from _loads(observation, use)
    end = space.shutdown_time
    past = end is not None and now >= end
    yield Rule(
        name="shutdown_time",
        seen="not set" if end is None else moment(end),
        refusal=f"shutdown_time = {end} has already passed" if past else None,
    )
    yield Rule(
        name="draining",
        seen="yes" if space.draining else "no",
        refusal="draining = yes" if space.draining else None,
    )
    drain = in_force(observation.drains, space.name, None, now)
    yield Rule(
        name="drain",
        seen="not drained" if drain is None else f"by {drain.by}",
        refusal=None if drain is None else told(drain),
        until=None if drain is None else drain.until,
    )
    disk = host.disk_free
    mib = None if disk is None else disk >> 20
    yield Rule(
        name="disk",
        seen="not known" if mib is None else f"{mib} MiB free, {DISK_RESERVE >> 20} needed",
        refusal=f"less than 1 GiB is free where state is kept ({mib} MiB)"
        if disk is not None and disk < DISK_RESERVE
        else None,
    )
    unknown = free is None and space.total_machines is None
    yield Rule(
        name="a limit is known",
        seen="none" if unknown else "yes",
        refusal="the provider does not tell how many processors it has: set total_processors"
        if unknown
        else None,
    )


def _loads(observation: Observation, use: Use) -> Iterator[Rule]:
    host, over = observation.host, observation.space.overload_per_processor
    running = use.processors
    high = running > FEW_PROCESSORS and host.load > over * running
    text = (
        f"load average ({host.load:.2f}) > overload_per_processor ({over:g})"
        f" * running processors ({running})"
    )
    few = "" if running > FEW_PROCESSORS else f", which counts from {FEW_PROCESSORS + 1} on"
    yield Rule(
        name="load of machines",
        seen=f"load average {host.load:.2f}, at most {over:g} * {running} processors{few}",
        refusal=text if high else None,
    )
    text = (
        f"load average ({host.load:.2f}) > overload_per_processor ({over:g})"
        f" * processors of the host ({host.processors})"
    )
    yield Rule(
        name="load of the host",
        seen=f"load average {host.load:.2f}, at most {over:g} * {host.processors} processors",
        refusal=text if host.load > over * host.processors else None,
    )


def limits(observation: Observation, use: Use, free: int | None) -> Iterator[Rule]:
    """The rules of what a factory may have in all, in their order."""
    space, budget = observation.space, observation.budget
    total, machines = space.total_processors, space.total_machines
    yield Rule(
        name="total_processors",
        seen=f"{use.processors} in use of {'any number' if total is None else total}",
        refusal=f"all {total} processors of total_processors are in use"
        if total is not None and use.processors >= total
        else None,
    )
    whose = "that its spaces share" if observation.others.processors else "of the provider"
    yield Rule(
        name="processors of the provider",
        seen=f"{'any number' if free is None else max(0, free)} free",
        refusal=f"all {budget.processors} processors {whose} are in use"
        if free is not None and free <= 0
        else None,
    )
    yield Rule(
        name="total_machines",
        seen=f"{use.machines} of {'any number' if machines is None else machines}",
        refusal=f"all {machines} machines of total_machines exist"
        if machines is not None and use.machines >= machines
        else None,
    )
