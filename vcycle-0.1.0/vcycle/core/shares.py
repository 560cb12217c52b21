"""Which machinetype is furthest below its target share."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

from vcycle.core.config.model import Machinetype
from vcycle.core.reasons.rule import Need


def by_need(
    machinetypes: Sequence[Machinetype], hs06: Mapping[str, float], seed: int
) -> list[Machinetype]:
    """Machinetypes with a share, the most starved first."""
    named = {machinetype.name: machinetype for machinetype in machinetypes}
    return [named[need.machinetype] for need in needs(machinetypes, hs06, seed)]


def needs(machinetypes: Sequence[Machinetype], hs06: Mapping[str, float], seed: int) -> list[Need]:
    """
    How starved machinetypes with a share are, the most starved first: by their group's score,
    then their own, then by chance (the same chance for the same seed).

    A score is HS06 in use divided by target_share; a group's score is the sum of its
    members' scores, as in the rest of the family.
    """
    wanted = [machinetype for machinetype in machinetypes if machinetype.target_share > 0]
    scores = {m.name: hs06.get(m.name, 0.0) / m.target_share for m in wanted}
    groups: dict[str, float] = {}
    for machinetype in wanted:
        group = machinetype.machinegroup
        groups[group] = groups.get(group, 0.0) + scores[machinetype.name]
    chance = random.Random(seed)  # noqa: S311 - a tie is no secret
    found = [
        Need(
            machinetype=m.name,
            target_share=m.target_share,
            hs06=hs06.get(m.name, 0.0),
            score=scores[m.name],
            group=m.machinegroup,
            group_score=groups[m.machinegroup],
            lot=chance.random(),
        )
        for m in wanted
    ]
    return sorted(found, key=lambda need: (need.group_score, need.score, need.lot))


def pipe_shares(
    total: float, asked: Mapping[str, object], local: Mapping[str, float]
) -> dict[str, float]:
    """
    The target_share of each machinetype of a vacuum pipe, by name.

    ``total`` is the pipe's own target_share; the document's owner divides it by what is
    ``asked`` for. What is no finite number of 0 or more asks for nothing, so nobody gets more
    out of a pipe than its total. A ``local`` target_share replaces a machinetype's part, and the
    other parts stay as they are.
    """
    wishes = {name: _wish(value) for name, value in asked.items()}
    sum_of_wishes = sum(wishes.values())
    parts = {
        name: total * (wish / sum_of_wishes) if 0 < sum_of_wishes < math.inf else 0.0
        for name, wish in wishes.items()
    }
    return {name: local.get(name, part) for name, part in parts.items()}


def _wish(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return 0.0
    try:
        wish = float(value)
    except (OverflowError, ValueError):
        return 0.0
    return wish if math.isfinite(wish) and wish > 0 else 0.0
