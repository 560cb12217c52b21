"""Each machinetype of the space in one look: what is known of it here and at the peers'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve

from vcycle.core.backoff import History, own_abort
from vcycle.core.machine import Record
from vcycle.core.observation import Observation
from vcycle.core.peers import heard
from vcycle.core.scouting import Scene


def scenes_of(observation: Observation) -> dict[str, Scene]:
    """A scene for each machinetype that is configured."""
    space, now = observation.space, observation.now
    reports = heard(observation.peers, space, now)
    return {
        name: Scene(machinetype, space, reports[name], observation.peers.asked_at, now)
        for name, machinetype in space.machinetypes.items()
    }


def young_of(living: Iterable[Record], now: float) -> dict[str, int]:
    """How many of our machines are requested, starting, or younger than fizzle_seconds."""
    young: dict[str, int] = {}
    for record in living:
        born = record.started_at
        if born is None or now - born < record.limits.fizzle_seconds:
            young[record.machinetype] = young.get(record.machinetype, 0) + 1
    return young


def made_out(
    histories: Mapping[str, History], scenes: Mapping[str, Scene], young: Mapping[str, int]
) -> dict[str, History]:
    """The histories with what this look at the space adds to each outlook."""
    found = dict(histories)
    for name, scene in scenes.items():
        history = found.get(name, History())
        own = own_abort(history, scene.space.factory_name)
        outlook = scene.outlook(history.outlook, own, history.proof, young.get(name, 0))
        if outlook != history.outlook:
            found[name] = evolve(history, outlook=outlook)
    return found
