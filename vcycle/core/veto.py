"""Reasons why a factory starts nothing at all now; existing machines go on."""

from __future__ import annotations

from vcycle.core.observation import Observation, Use

DISK_RESERVE = 1 << 30
"""Bytes that have to be free where state is kept before another machine is made."""

FEW_PROCESSORS = 4
"""Up to so many running processors the host's load says nothing about them."""


def veto(observation: Observation, use: Use, processors_limit: int | None) -> str | None:
    """The first reason not to start anything, as an operator reads it, or None."""
    space, host = observation.space, observation.host
    survey = observation.survey
    if observation.problems:
        return observation.problems[0]
    if survey is None or not survey.complete:
        problem = None if survey is None else survey.problem
        return f"the provider's list is not complete: {problem or 'no answer'}"
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
    if processors_limit is None and space.total_machines is None:
        return "the provider does not tell how many processors it has: set total_processors"
    if processors_limit is not None and use.processors >= processors_limit:
        return f"all {processors_limit} processors are in use"
    if space.total_machines is not None and use.machines >= space.total_machines:
        return f"all {space.total_machines} machines of total_machines exist"
    return None
