"""
One cycle as one line of the journal: all that a decision was made of, and the decision.

The line is JSON for programs of this version alone. It has no secret of any machine, nothing
that decides nothing (CPU times, addresses, disks), and no text of a machine that JSON does not
escape. ``journalread`` gives an observation again that is planned as the recorded one was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from attrs import asdict, astuple, evolve, fields

from vcycle.core import drains
from vcycle.core.digest import digest_of
from vcycle.core.machine import Doom, Record, Sighting, Survey
from vcycle.core.observation import Observation, Plan
from vcycle.core.peers import PeerReport
from vcycle.core.recordtext import decode as decode_record
from vcycle.core.recordtext import encode as encode_record

VERSION = 1
AT_ONCE = 200
"""Machines that are encoded by one call: no other thread runs until it returns."""

HIDDEN = "-"
"""What stands where a secret was."""

_JSON = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))
MOMENTS = ("requested_at", "shutdown_time", "started_at", "seen_at", "missing_since", "ended_at")
PLAIN = ("uuid", "name", "slot", "machinetype", "processors", "memory_mb", "hs06_per_processor")
REPORT = tuple(field.name for field in fields(PeerReport))


def encode(seen: Observation, plan: Plan) -> bytes:
    """The line of one cycle, without its newline."""
    head = _JSON.encode(_head(seen, plan))
    rows = _machines(seen)
    parts = iter(lambda: list(islice(rows, AT_ONCE)), [])
    machines = ",".join(_JSON.encode(part)[1:-1] for part in parts)
    return f'{head[:-1]},"machines":[{machines}]}}'.encode("ascii")


def _head(seen: Observation, plan: Plan) -> dict[str, Any]:
    survey = seen.survey
    return {
        "version": VERSION,
        "space": seen.space.name,
        "now": seen.now,
        "machinetypes": list(seen.space.machinetypes),
        "plan": digest_of(plan).data(),
        "owner": seen.owner,
        "seed": seen.seed,
        "problems": list(seen.problems),
        "held": seen.held,
        "ready": {name: text for name, text in seen.ready.items() if text is not None},
        "host": astuple(seen.host),
        "budget": astuple(seen.budget),
        "others": astuple(seen.others),
        "traits": astuple(seen.traits),
        "deadlines": astuple(seen.deadlines),
        "served_since": seen.served_since,
        "steps": list(seen.steps),
        "drains": drains.encode(seen.drains),
        "asked": {uuid: _doom(doom) for uuid, doom in seen.asked.items()},
        "histories": {name: asdict(history) for name, history in seen.histories.items()},
        "peers": {
            "asked_at": seen.peers.asked_at,
            "reports": [[getattr(r, name) for name in REPORT] for r in seen.peers.reports],
        },
        "survey": None if survey is None else _survey(survey, seen),
    }


def _survey(survey: Survey, seen: Observation) -> dict[str, Any]:
    ours = {record.uuid: record for record in seen.records}
    listed = {sighting.uuid: sighting for sighting in survey.sightings}
    return {
        "taken_at": survey.taken_at,
        "complete": survey.complete,
        "problem": survey.problem,
        "absent": sorted(survey.absent),
        "endings": {uuid: [ending.at, ending.how] for uuid, ending in survey.endings.items()},
        "strangers": [
            _sighting(sighting, uuid in ours)
            for uuid, sighting in listed.items()
            if not _is_its(sighting, ours.get(uuid), seen)
        ],
    }


def _is_its(sighting: Sighting, record: Record | None, seen: Observation) -> bool:
    """Does a record say all of a sighting that decides anything?"""
    mark = sighting.mark
    if record is None or mark is None or sighting.name != record.name:
        return False
    told = (mark.owner, mark.space, mark.uuid, mark.name)
    return (
        told == (seen.owner, seen.space.name, record.uuid, record.name)
        and sighting.processors == record.processors
        and sighting.memory_mb == record.memory_mb
    )


def _sighting(sighting: Sighting, known: bool) -> list[Any]:
    mark = sighting.mark
    return [
        sighting.uuid,
        sighting.name,
        sighting.condition.value,
        sighting.processors,
        sighting.memory_mb,
        None if mark is None else [mark.owner, mark.space, mark.uuid, mark.name],
        None if mark is None or known else _facts(mark.facts),
    ]


def _facts(facts: str) -> str:
    """The facts of a machine that may be adopted, without its secret."""
    try:
        return encode_record(evolve(decode_record(facts), secret=HIDDEN))
    except ValueError:
        return ""


def _machines(seen: Observation) -> Iterator[list[Any]]:
    sightings = {} if seen.survey is None else {s.uuid: s for s in seen.survey.sightings}
    for record in seen.records:
        sighting = sightings.get(record.uuid)
        its = sighting is not None and _is_its(sighting, record, seen)
        traces = seen.traces.get(record.uuid)
        yield [
            [getattr(record, name) for name in PLAIN],
            [getattr(record, name) for name in MOMENTS],
            astuple(record.limits),
            sighting.condition.value if its and sighting is not None else None,
            None if traces is None else astuple(traces),
            _rest(record),
        ]


def _rest(record: Record) -> list[Any] | None:
    """What few records have."""
    rest = [
        None if record.doom is None else _doom(record.doom),
        None if record.outcome is None else record.outcome.value,
        record.message,
        record.abort,
        record.clock,
    ]
    return rest if any(rest) else None


def _doom(doom: Doom) -> list[Any]:
    return [doom.outcome.value, doom.text, doom.since]
