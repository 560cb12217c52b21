"""The other factories of a space, asked over UDP."""

from __future__ import annotations

from typing import Callable

from attrs import define, field
from zope.interface import implementer

from vcycle.core.asking.reports import peers_of
from vcycle.core.config.model import Space
from vcycle.core.peers import Peers
from vcycle.core.vacquery.messages import Kind
from vcycle.interfaces import IPeers
from vcycle.vacquery.asker import Asker

PATIENT_ROUNDS = 10
"""In one of so many rounds factories that were silent are given as much time as others."""


@implementer(IPeers)
@define(eq=False)
class UdpPeers:
    """``clock`` gives Unix seconds."""

    asker: Asker
    clock: Callable[[], float]
    _quiet: dict[str, frozenset[str]] = field(factory=dict, init=False)
    _rounds: dict[str, int] = field(factory=dict, init=False)

    async def ask(self, space: Space) -> Peers:
        count = self._rounds[space.name] = self._rounds.get(space.name, -1) + 1
        quiet = self._quiet.get(space.name, frozenset()) if count % PATIENT_ROUNDS else frozenset()
        found = await self.asker.ask(Kind.MACHINETYPES, space, space.udp_timeout_seconds, quiet)
        # Who announces more than it tells would otherwise hold up each round, too.
        self._quiet[space.name] = frozenset((*found.silent, *found.partial))
        now = self.clock()
        return peers_of(found, now=now, offset=now - self.asker.reactor.seconds())
