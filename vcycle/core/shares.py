"""Which machinetype is furthest below its target share."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from vcycle.core.config.model import Machinetype


def by_need(
    machinetypes: Sequence[Machinetype], hs06: Mapping[str, float], seed: int
) -> list[Machinetype]:
    """
    Machinetypes with a share, the most starved first: by their group's score, then their
    own, then by chance (the same chance for the same seed).

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
    lots = {machinetype.name: chance.random() for machinetype in wanted}
    return sorted(wanted, key=lambda m: (groups[m.machinegroup], scores[m.name], lots[m.name]))
