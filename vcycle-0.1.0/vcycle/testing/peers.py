"""Other factories in memory, held to the same contract as those on a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable

from attrs import Factory, define, evolve
from zope.interface import implementer

from vcycle.core.config.model import Space
from vcycle.core.peers import PeerReport, Peers
from vcycle.interfaces import IPeers

SILENT = "it is switched off"


@implementer(IPeers)
@define
class MemoryPeers:
    """``told`` is what each factory that is alive tells; ``clock`` gives Unix seconds."""

    clock: Callable[[], float]
    told: dict[str, Sequence[PeerReport]] = Factory(dict)
    asked: int = 0

    async def ask(self, space: Space) -> Peers:
        self.asked += 1
        now = self.clock()
        others = [name for name in space.factories if name.lower() != space.factory_name.lower()]
        alive = [name for name in others if name in self.told]
        return Peers(
            reports=tuple(
                evolve(
                    report,
                    factory=name,
                    heard_at=now,
                    last_abort=None if report.last_abort is None else min(report.last_abort, now),
                )
                for name in alive
                for report in self.told[name]
            ),
            alive=frozenset(alive),
            silent={name: SILENT for name in others if name not in self.told},
            asked_at=now,
        )
