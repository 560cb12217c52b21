"""What the next cycle would do: a real look at the world, and nothing done."""

from __future__ import annotations

from vcycle.core.errors import VcycleError
from vcycle.core.machine import Survey
from vcycle.core.observation import Observation, Plan
from vcycle.core.plan import plan_cycle
from vcycle.daemon.cycle import Cycle
from vcycle.daemon.space import SpaceRunner


def cycle_of(runner: SpaceRunner) -> Cycle:
    """:raises VcycleError: the space's store is not open yet."""
    if runner.cycle is None:
        raise VcycleError(f"{runner.space.name}: its first cycle has not begun; see vcycled's log")
    return runner.cycle


async def foresee(runner: SpaceRunner) -> tuple[Observation, Plan]:
    """
    What one space sees now, and would do.

    The provider and the host are asked; of peers and images it is what the last cycle knew. No
    call that writes is made, and nothing that the next cycle decides by is changed.

    :raises VcycleError: the space cannot be looked at yet.
    """
    cycle = cycle_of(runner)
    survey, silent = await _survey(cycle)
    host, unseen = await cycle.look_at_host()
    peers = await cycle.peers(cycle.space, True)
    unserved = None if cycle.hypervisor.server.since is not None else "machines are not served"
    found = (text for text in (silent, unserved, unseen) if text is not None)
    observation = cycle.observation(survey, peers, host, (*runner.problems, *found))
    plan = await cycle.in_thread(lambda: plan_cycle(observation))
    return observation, cycle.remarked(plan)


async def _survey(cycle: Cycle) -> tuple[Survey | None, str | None]:
    try:
        return await cycle.hypervisor.provider.survey(tuple(cycle.knowledge.records)), None
    except VcycleError as error:
        return None, f"the provider does not answer: {error}"
