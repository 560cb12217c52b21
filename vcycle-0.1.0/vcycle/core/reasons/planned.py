"""A plan, and what nobody answers for, as JSON objects for people and programs."""

from __future__ import annotations

import re

from vcycle.core.addresses import slot_name
from vcycle.core.machine import Record, Sighting
from vcycle.core.observation import Observation, Plan
from vcycle.core.reasons.document import explained
from vcycle.core.snapshot import Snapshot


def planned(seen: Observation, plan: Plan) -> dict[str, object]:
    """What a cycle would do of one space, in its order, and why."""
    snapshot = Snapshot(
        space=seen.space,
        taken_at=seen.now,
        machines=plan.machines,
        verdicts=plan.verdicts,
        problems=seen.problems + plan.alarms,
        reasons=plan.reasons,
    )
    return {
        **explained(snapshot),
        "veto": plan.veto,
        "adopt": [_named(record) for record in plan.adopt],
        "end": [
            {
                **_named(record),
                "outcome": None if record.outcome is None else record.outcome.value,
                "message": record.message,
                "abort": record.abort,
            }
            for record in plan.end
        ],
        "destroy": [
            {**_named(record), "why": record.doom.text if record.doom else "it is over"}
            for record in plan.destroy
        ],
        "create": [
            {
                "machine": creation.name,
                "machinetype": creation.machinetype.name,
                "processors": creation.processors,
                "memory_mb": creation.memory_mb,
                "shutdown_time": creation.shutdown_time,
                "reason": creation.reason,
            }
            for creation in plan.create
        ],
    }


def _named(record: Record) -> dict[str, object]:
    return {"machine": record.name, "machinetype": record.machinetype, "uuid": record.uuid}


def orphans(
    seen: Observation, spaces: frozenset[str], known: frozenset[str]
) -> list[dict[str, object]]:
    """
    Listed machines that are in no record, and concern us.

    ``spaces`` are all spaces of the daemon, ``known`` the uuids of all their records.
    """
    found: list[dict[str, object]] = []
    sightings = () if seen.survey is None else seen.survey.sightings
    for sighting in sightings:
        why = _orphaned(sighting, seen, spaces, known)
        if why is not None:
            found.append(
                {
                    "kind": "machine",
                    "what": sighting.name,
                    "uuid": sighting.uuid,
                    "state": sighting.condition.value,
                    "processors": sighting.processors,
                    "why": why,
                }
            )
    return found


def _orphaned(
    sighting: Sighting, seen: Observation, spaces: frozenset[str], known: frozenset[str]
) -> str | None:
    mark = sighting.mark
    if mark is None:
        if _is_slot(sighting.name, seen.space.factory_name) and sighting.uuid not in known:
            return "has the name of one of our slots, and no mark of ours; it is not touched"
        return None
    if sighting.uuid in known:
        return None
    if mark.owner != seen.owner:
        if mark.space == seen.space.name:
            return f"was made for this space by another Vcycle ({mark.owner}); it is not touched"
        return None
    if mark.space == seen.space.name:
        return "carries our mark and is in no record; the next cycle adopts or destroys it"
    if mark.space not in spaces:
        return f"is ours, of the space {mark.space}, which is not configured"
    return None


def _is_slot(name: str, factory: str) -> bool:
    found = re.search(r"-(\d{2,6})\.", name, re.ASCII)
    return found is not None and slot_name(factory, int(found[1])) == name
