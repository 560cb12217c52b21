"""The one decision: from an observation to a plan. Nothing else decides."""

from __future__ import annotations

from vcycle.core.backoff import learn
from vcycle.core.creations import Creations
from vcycle.core.looks import Looked, look
from vcycle.core.observation import Observation, Plan, Use, use_of
from vcycle.core.outlooks import made_out, scenes_of, young_of
from vcycle.core.reasons.rule import refusing
from vcycle.core.veto import limits, vetoes
from vcycle.core.weighing import unequal


def plan_cycle(observation: Observation) -> Plan:
    """
    What to save, end, destroy and create, and why each machinetype starts or does not.

    A pure function: the same observation gives the same plan.
    """
    looked = look(observation)
    living = tuple(reviewed.record for reviewed in looked.living)
    use = use_of(living)
    histories = learn(observation.histories, looked.ended, living, observation.now)
    scenes = scenes_of(observation)
    young = young_of(living, observation.now)
    histories = made_out(histories, scenes, young)
    reports = (report for scene in scenes.values() for report in scene.reports)
    processors, memory = _free(observation, looked, use)
    rules = tuple(vetoes(observation, looked, use, processors))
    refused = refusing(rules)
    refusal = None if refused is None else refused.refusal
    machines = observation.space.total_machines
    creations = Creations(
        observation,
        looked.living,
        histories,
        scenes,
        young,
        looked.names,
        processors,
        memory,
        None if machines is None else machines - use.machines,
    )
    reached = tuple(limits(observation, use, processors))
    at_limit = refusing(reached)
    filled = None if at_limit is None else at_limit.refusal
    if refusal is None and filled is None:
        creations.choose()
    chosen = tuple(creations.chosen)
    return Plan(
        machines=looked.living,
        save=looked.changed,
        adopt=looked.adopted,
        end=looked.ended,
        destroy=looked.destroy,
        create=chosen,
        verdicts=creations.verdicts(refusal, filled),
        histories=histories,
        veto=refusal,
        alarms=looked.alarms + unequal(observation.space, reports),
        held=looked.held,
        reasons=creations.reasons(rules + reached),
        use=use
        + Use(
            machines=len(chosen),
            processors=sum(creation.processors for creation in chosen),
            memory_mb=sum(creation.memory_mb for creation in chosen),
        ),
    )


def _free(observation: Observation, looked: Looked, use: Use) -> tuple[int | None, int | None]:
    """
    Processors and MiB that this space may still give out; None is no limit.

    The space's own total, and the budget that all spaces on the provider share. Others'
    memory is really taken; others' processors are the host's to share out.
    """
    space, budget, others = observation.space, observation.budget, observation.others
    processors = [
        None if space.total_processors is None else space.total_processors - use.processors,
        None
        if budget.processors is None
        else budget.processors - use.processors - others.processors,
    ]
    taken = use.memory_mb + others.memory_mb
    memory = [
        None if space.total_mb is None else space.total_mb - use.memory_mb,
        None if budget.memory_mb is None else budget.memory_mb - taken - looked.foreign.memory_mb,
    ]
    return _least(processors), _least(memory)


def _least(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return min(known) if known else None
