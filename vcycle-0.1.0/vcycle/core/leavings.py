"""What seems to belong to nobody: it goes only if it still seems so after a while."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from attrs import define, field

K = TypeVar("K", bound=Hashable)

SETTLED = 300.0
"""Seconds: what is just being made for a machine has an owner by then, or never will."""


@define
class Leavings(Generic[K]):
    """``suspects`` are what seemed to be left at the last look, and since when."""

    suspects: dict[K, float] = field(factory=dict)

    def overdue(self, now: float) -> list[K]:
        """Those of the last look that should have gone."""
        return [one for one, since in self.suspects.items() if now - since >= SETTLED]

    def ripe(self, found: Iterable[K], now: float) -> list[K]:
        """Those found that were found at every look since SETTLED ago."""
        self.suspects = {one: min(now, self.suspects.get(one, now)) for one in found}
        return self.overdue(now)
