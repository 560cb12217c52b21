"""One look at all machines of a space: each reviewed, strays adopted, mass absence doubted."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from attrs import frozen

from vcycle.core.clock import moved
from vcycle.core.machine import Condition, Record, Sighting, State, Survey, Traces
from vcycle.core.observation import Observation, Reviewed, Use
from vcycle.core.recordtext import decode
from vcycle.core.supervision import Known, review

MANY = 5
"""From so many on, machines gone unexplained that are over half of all are doubted once."""

HELD = "more than half of the machines vanished at once; believed only if seen again"

FRESH_SECONDS = 120.0
"""A list older than this tells no more of what is there now than one that is not complete."""

SILENT = Traces()


@frozen(kw_only=True)
class Looked:
    """
    What a look found.

    ``destroy`` are machines that are doomed or over and yet there: in a complete list, with
    our uuid, name and mark. ``doubt`` is why the list tells neither what is gone nor what
    there is room for. ``names`` are all that are taken.
    """

    living: tuple[Reviewed, ...]
    ended: tuple[Record, ...]
    destroy: tuple[Record, ...]
    changed: tuple[Record, ...]
    adopted: tuple[Record, ...]
    foreign: Use
    names: frozenset[str]
    alarms: tuple[str, ...]
    doubt: str | None
    held: bool


def look(observation: Observation) -> Looked:
    """Review each machine of the space against the survey, or against nothing if there is none."""
    survey = observation.survey
    sightings = {} if survey is None else {s.uuid: s for s in survey.sightings}
    strays, alarms = _strays(observation, sightings)
    doubt = _doubt(survey, observation.now)
    whole, held = doubt is None, observation.held
    if survey is not None and whole:
        held = _too_many_gone(observation, survey)
        doubt = HELD if held else None
        alarms += [HELD] if held else []
    absent = frozenset() if survey is None or doubt is not None else survey.absent
    adopted, living, ended, destroy, changed = [], [], [], [], []
    for record in strays:
        # Of what is over there is nothing left to supervise, and its end may have been told.
        if sightings[record.uuid].condition is Condition.STOPPED:
            destroy.append(record)
        else:
            adopted.append(record)
    for record in (*observation.records, *adopted):
        sighting = sightings.get(record.uuid)
        if sighting is not None and not _is_its(sighting, record, observation.owner):
            alarms.append(f"{sighting.name} has the uuid of {record.name}; it is not touched")
            sighting = None
        known = _known(observation, record, sighting, absent)
        result = review(record, known, observation.deadlines, observation.now)
        if result.state is State.ENDED:
            ended.append(result.record)
        else:
            living.append(Reviewed(record=result.record, state=result.state))
            if _lasting_change(record, result.record):
                changed.append(result.record)
        if sighting is not None and result.state in (State.ENDED, State.DOOMED):
            destroy.append(result.record)
    names = {reviewed.record.name for reviewed in living}
    names.update(sighting.name for sighting in sightings.values())
    return Looked(
        living=tuple(living),
        ended=tuple(ended),
        destroy=tuple(destroy) if whole else (),
        changed=tuple(changed),
        adopted=tuple(adopted),
        foreign=_foreign(sightings, {r.record.uuid for r in living}, observation),
        names=frozenset(names),
        alarms=tuple(alarms),
        doubt=doubt,
        held=held,
    )


def _doubt(survey: Survey | None, now: float) -> str | None:
    if survey is None or not survey.complete:
        problem = None if survey is None else survey.problem
        return f"the provider's list is not complete: {problem or 'no answer'}"
    age = now - survey.taken_at
    if age > FRESH_SECONDS:
        return f"the provider's list is {age:.0f} s old"
    return None


def _known(
    observation: Observation, record: Record, sighting: Sighting | None, absent: frozenset[str]
) -> Known:
    survey = observation.survey
    end_before = observation.space.shutdown_time
    return Known(
        sighting=sighting,
        absent=record.uuid in absent,
        ending=None if survey is None else survey.endings.get(record.uuid),
        traces=observation.traces.get(record.uuid, SILENT),
        end_before=None if end_before is None else float(end_before),
        served_since=observation.served_since,
        traits=observation.traits,
        asked=observation.asked.get(record.uuid),
    )


def _is_its(sighting: Sighting, record: Record, owner: str) -> bool:
    """Is this the very machine of a record? Uuid, name and mark must all agree."""
    mark, uuid, name = sighting.mark, record.uuid, record.name
    if mark is None or sighting.uuid != uuid or sighting.name != name:
        return False
    return mark.owner == owner and mark.uuid == uuid and mark.name == name


def _lasting_change(before: Record, after: Record) -> bool:
    """Did a fact change that is worth a write of its own? What each look changes is not."""
    return (
        before.started_at != after.started_at
        or before.missing_since != after.missing_since
        or before.shutdown_time != after.shutdown_time
        or before.doom != after.doom
    )


def _too_many_gone(observation: Observation, survey: Survey) -> bool:
    """Gone without an event, a message, an expiry or our own doing, five or more, over half."""
    if observation.held:
        return False
    started = [record for record in observation.records if record.started_at is not None]
    unexplained = [
        record
        for record in started
        if record.uuid in survey.absent
        and record.uuid not in survey.endings
        and record.doom is None
        and observation.traces.get(record.uuid, SILENT).message_at is None
        and observation.now <= record.shutdown_time
    ]
    return len(unexplained) >= MANY and 2 * len(unexplained) > len(started)


def _strays(
    observation: Observation, sightings: Mapping[str, Sighting]
) -> tuple[list[Record], list[str]]:
    """Machines with our mark of which we have no record, and what is strange of others."""
    ours = {record.uuid for record in observation.records}
    strays: list[Record] = []
    alarms: list[str] = []
    for sighting in sightings.values():
        mark = sighting.mark
        if mark is None or mark.space != observation.space.name or sighting.uuid in ours:
            continue
        if mark.owner != observation.owner:
            alarms.append(
                f"{sighting.name} was made for this space by another Vcycle (owner {mark.owner});"
                " it is not touched"
            )
            continue
        try:
            record = decode(mark.facts)
        except ValueError as error:
            alarms.append(f"{sighting.name} carries our mark, but cannot be adopted: {error}")
            continue
        agrees = record.space == mark.space and record.ended_at is None
        if agrees and _is_its(sighting, record, observation.owner):
            strays.append(_corrected(record, observation.steps))
        else:
            alarms.append(f"{sighting.name} carries the mark of {mark.name}; it is not touched")
    return strays, alarms


def _corrected(record: Record, steps: Sequence[float]) -> Record:
    """A mark never changes, so the clock may have been set since its facts were written."""
    if record.clock >= len(steps):
        return record
    return moved(record, sum(steps[record.clock :]), len(steps))


def _foreign(
    sightings: Mapping[str, Sighting], counted: Container[str], observation: Observation
) -> Use:
    """What machines use that count for no space of this daemon."""
    foreign = [
        sighting
        for sighting in sightings.values()
        if sighting.mark is None
        or sighting.mark.owner != observation.owner
        or (sighting.mark.space == observation.space.name and sighting.uuid not in counted)
    ]
    return Use(
        machines=len(foreign),
        processors=sum(sighting.processors for sighting in foreign),
        memory_mb=sum(sighting.memory_mb for sighting in foreign),
    )
