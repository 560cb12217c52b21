"""What a cycle knows of the other factories: asked in regular cycles, remembered between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Callable

from attrs import define, field
from twisted.logger import Logger

from vcycle.core.config.model import Space
from vcycle.core.peers import Peers, joined, patience
from vcycle.daemon import events
from vcycle.interfaces import IPeers

MOST_LINES = 10
"""Factories that are named one by one when they fall silent, or come back, together."""


async def nobody(space: Space, early: bool) -> Peers:
    """What is known where nobody is asked."""
    return Peers()


@define(eq=False)
class LatestPeers:
    """
    ``look`` asks in a regular cycle; an early one gets what the last round brought, for as
    long as a word is believed at all: without it a factory would take itself for the only one.
    ``clock`` gives Unix seconds.

    What was not heard again stays, for as long as a word is believed.
    """

    _log = Logger()

    peers: IPeers
    clock: Callable[[], float]
    _last: dict[str, Peers] = field(factory=dict, init=False)
    _silent: dict[str, Mapping[str, str]] = field(factory=dict, init=False)

    async def look(self, space: Space, early: bool) -> Peers:
        """What is known of the other factories of a space now."""
        if early:
            return self._recent(space)
        try:
            found = await self.peers.ask(space)
        except Exception:
            # Without its peers a factory still supervises its machines.
            self._log.failure("{space}: the other factories could not be asked", space=space.name)
            return self._recent(space)
        self._tell(space.name, found.silent)
        former = self._last.get(space.name, Peers())
        known = self._last[space.name] = joined(found, former, space, self.clock())
        return known

    def withdraw(self, space: str) -> None:
        """The space is no more."""
        self._last.pop(space, None)
        self._silent.pop(space, None)

    def _recent(self, space: Space) -> Peers:
        known = self._last.get(space.name)
        if known is None or known.asked_at is None:
            return Peers()
        age = self.clock() - known.asked_at
        return known if 0 <= age <= patience(space) else Peers()

    def _tell(self, space: str, silent: Mapping[str, str]) -> None:
        former = self._silent.get(space, {})
        self._silent[space] = dict(silent)
        lost = [name for name in silent if name not in former]
        back = [name for name in former if name not in silent]
        for name in lost[:MOST_LINES]:
            events.factory_silent(space, name, silent[name])
        for name in back[:MOST_LINES]:
            events.factory_heard(space, name)
        more = len(lost[MOST_LINES:]), len(back[MOST_LINES:])
        if any(more):
            events.factories_changed(space, *more)
