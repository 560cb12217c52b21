"""Reasons why a factory starts nothing at all now; existing machines go on."""

from __future__ import annotations

from vcycle.core.looks import Looked
from vcycle.core.observation import Observation, Use

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
    space, host = observation.space, observation.host
    if observation.problems:
        return observation.problems[0]
    if looked.doubt is not None:
        return looked.doubt
    over = space.overload_per_processor
    if use.processors > FEW_PROCESSORS and host.load > over * use.processors:
        return (
            f"load average ({host.load:.2f}) > overload_per_processor ({over:g})"
            f" * running processors ({use.processors})"
        )
    if host.load > over * host.processors:
        return (
            f"load average ({host.load:.2f}) > overload_per_processor ({over:g})"
            f" * processors of the host ({host.processors})"
        )
    if space.shutdown_time is not None and observation.now >= space.shutdown_time:
        return f"shutdown_time = {space.shutdown_time} has already passed"
    if space.draining:
        return "draining = yes"
    if host.disk_free is not None and host.disk_free < DISK_RESERVE:
        return f"less than 1 GiB is free where state is kept ({host.disk_free >> 20} MiB)"
    if free is None and space.total_machines is None:
        return "the provider does not tell how many processors it has: set total_processors"
    return None


def full(observation: Observation, use: Use, free: int | None) -> str | None:
    """Which limit is reached: a factory that is as busy as it may be, which is no news."""
    space = observation.space
    if space.total_processors is not None and use.processors >= space.total_processors:
        return f"all {space.total_processors} processors of total_processors are in use"
    if free is not None and free <= 0:
        whose = "that its spaces share" if observation.others.processors else "of the provider"
        return f"all {observation.budget.processors} processors {whose} are in use"
    if space.total_machines is not None and use.machines >= space.total_machines:
        return f"all {space.total_machines} machines of total_machines exist"
    return None
