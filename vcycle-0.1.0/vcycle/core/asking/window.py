"""How many answers are under way, so that a burst of them does not overflow a buffer."""

from __future__ import annotations

import heapq

from vcycle.core.asking.target import Target
from vcycle.core.vacquery.messages import Kind

PASSING_SECONDS = 0.1
"""An answer that has not come by then is not under way any more: it is late, or lost."""

DATAGRAM_BYTES = 2560
"""What an answer takes of a socket's buffer, by the kernel's way of counting."""

USUAL = {Kind.MACHINES: 16, Kind.MACHINETYPES: 4, Kind.FACTORY: 1}
"""Answers of one factory, as long as nothing is known."""


def window_of(buffer: int) -> int:
    """How many answers may be under way to a socket whose buffer has so many bytes."""
    return max(buffer // DATAGRAM_BYTES, 1)


class Window:
    """
    Admits queries while fewer than ``size`` answers are under way, and always at least one.

    A factory that was not heard yet is taken for a mean one: what others announced, where
    those that never answered count as nothing.
    """

    def __init__(self, size: int, kind: Kind) -> None:
        self._size = size
        self._usual = USUAL[kind]
        self._flying: dict[str, int] = {}
        self._total = 0
        self._passing: list[tuple[float, str, int]] = []
        self._seen: dict[str, int] = {}
        self._sum = 0

    def admits(self, target: Target) -> bool:
        """May another query to this factory be sent now?"""
        return not self._total or self._total + self._owed(target) <= self._size

    def left(self, target: Target, more: int, now: float) -> None:
        """A query left, with so many ``more`` beside it that have one answer each."""
        self._set(target.name, self._flying.get(target.name, 0) + self._owed(target) + more)
        heapq.heappush(self._passing, (now + PASSING_SECONDS, target.name, target.tries))

    def landed(self, target: Target) -> None:
        """An answer came."""
        if target.announced is not None:
            self._see(target.name, target.announced)
        self._set(target.name, self._flying.get(target.name, 0) - 1)

    def done(self, target: Target) -> None:
        """No more is expected of this factory."""
        self._set(target.name, 0)

    def pass_by(self, now: float) -> None:
        """Forget what must have come by now."""
        while self._passing and self._passing[0][0] <= now:
            _, name, _ = heapq.heappop(self._passing)
            if name not in self._seen and self._flying.get(name):
                self._see(name, 0)
            self._set(name, 0)

    def next_at(self, now: float) -> float:
        """When there will be room, if no answer comes before."""
        return self._passing[0][0] if self._passing else now

    def _owed(self, target: Target) -> int:
        """How many answers another query to this factory brings."""
        if target.announced is not None:
            return max(target.announced, 1)
        return max(1, round((self._usual + self._sum) / (1 + len(self._seen))))

    def _see(self, name: str, count: int) -> None:
        self._sum += count - self._seen.get(name, 0)
        self._seen[name] = count

    def _set(self, name: str, count: int) -> None:
        self._total += max(count, 0) - self._flying.get(name, 0)
        self._flying[name] = max(count, 0)
