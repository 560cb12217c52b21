"""One look at all machines of a space: each reviewed, strays adopted, mass absence doubted."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from vcycle.core.machine import Record, Sighting, State, Survey, Traces
from vcycle.core.observation import Observation, Reviewed, Use
from vcycle.core.recordtext import decode
from vcycle.core.supervision import Known, review

MANY = 5
"""From so many on, machines gone unexplained that are over half of all are doubted once."""

SILENT = Traces()


@frozen(kw_only=True)
class Looked:
    """What a look found. ``gone`` are stopped machines of which something is still there."""

    living: tuple[Reviewed, ...]
    ended: tuple[Record, ...]
    gone: tuple[Record, ...]
    changed: tuple[Record, ...]
    adopted: tuple[Record, ...]
    foreign: Use
    names: frozenset[str]
    alarms: tuple[str, ...]
    held: bool


def look(observation: Observation) -> Looked:
    """Review each machine of the space against the survey, or against nothing if there is none."""
    survey = observation.survey
    sightings = {} if survey is None else {s.uuid: s for s in survey.sightings}
    adopted, alarms = _adopt(observation, sightings)
    records = observation.records + adopted
    held = survey is not None and _too_many_gone(observation, survey)
    if held:
        alarms += ("more than half of the machines vanished at once; believed only if seen again",)
    absent = frozenset() if survey is None or held else survey.absent
    living, ended, gone, changed = [], [], [], []
    for record in records:
        sighting = _own(record, sightings, observation.owner)
        known = _known(observation, record, sighting, absent)
        result = review(record, known, observation.deadlines, observation.now)
        if result.state is State.ENDED:
            ended.append(result.record)
            if sighting is not None:
                gone.append(result.record)
        else:
            living.append(Reviewed(record=result.record, state=result.state))
            if _lasting_change(record, result.record):
                changed.append(result.record)
    return Looked(
        living=tuple(living),
        ended=tuple(ended),
        gone=tuple(gone),
        changed=tuple(changed),
        adopted=adopted,
        foreign=_foreign(sightings, observation.owner),
        names=frozenset(sighting.name for sighting in sightings.values()),
        alarms=alarms,
        held=held,
    )


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
    )


def _own(record: Record, sightings: Mapping[str, Sighting], owner: str) -> Sighting | None:
    """The sighting of this very machine: uuid, name and mark must all agree."""
    sighting = sightings.get(record.uuid)
    if sighting is None or sighting.mark is None or sighting.name != record.name:
        return None
    mark = sighting.mark
    same = (mark.owner, mark.uuid, mark.name) == (owner, record.uuid, record.name)
    return sighting if same else None


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


def _adopt(
    observation: Observation, sightings: Mapping[str, Sighting]
) -> tuple[tuple[Record, ...], tuple[str, ...]]:
    """Machines that carry our mark and of which we have no record: taken back from the mark."""
    ours = {record.uuid for record in observation.records}
    adopted: list[Record] = []
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
        if (record.uuid, record.name, record.space) == (sighting.uuid, sighting.name, mark.space):
            adopted.append(record)
        else:
            alarms.append(f"{sighting.name} carries the mark of {record.name}; it is not touched")
    return tuple(adopted), tuple(alarms)


def _foreign(sightings: Mapping[str, Sighting], owner: str) -> Use:
    """What machines use that are not this daemon's."""
    foreign = [s for s in sightings.values() if s.mark is None or s.mark.owner != owner]
    return Use(
        machines=len(foreign),
        processors=sum(sighting.processors for sighting in foreign),
        memory_mb=sum(sighting.memory_mb for sighting in foreign),
    )
