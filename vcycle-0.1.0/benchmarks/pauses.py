"""How long the reactor is kept from its work: a timer that is due each millisecond."""

from __future__ import annotations

import gc
import os
import time
from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall

EVERY = 0.001
LOOK = 0.005
"""Seconds between looks at how long our threads waited for a processor."""


@define
class Pauses:
    """
    Between ``start`` and ``stop`` each lateness of the timer is noted.

    ``longest`` is by the wall clock; ``own`` leaves out how long our threads were ready to
    run while others had the processors, as the kernel counted it (0 where it does not);
    ``collecting`` is the longest run of Python's garbage collector. All in seconds.
    """

    _reactor: Any
    longest: float = 0.0
    own: float = 0.0
    collecting: float = 0.0
    late: list[float] = field(factory=list)
    _due: float = 0.0
    _looked_at: float = 0.0
    _waited: float = 0.0
    _collecting_since: float = 0.0
    _call: IDelayedCall | None = None

    def start(self) -> None:
        """Begin; what was noted before is forgotten."""
        self.longest = self.own = self.collecting = 0.0
        self.late = []
        gc.callbacks.append(self._collected)
        self._waited, self._looked_at = waited(), time.perf_counter()
        self._next()

    def stop(self) -> None:
        """Note no more."""
        gc.callbacks.remove(self._collected)
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _next(self) -> None:
        self._due = time.perf_counter() + EVERY
        self._call = self._reactor.callLater(EVERY, self._tick)

    def _tick(self) -> None:
        now = time.perf_counter()
        late = max(0.0, now - self._due)
        self.late.append(late)
        self.longest = max(self.longest, late)
        if now - self._looked_at > LOOK:
            before, self._waited, self._looked_at = self._waited, waited(), now
            self.own = max(self.own, late - max(0.0, self._waited - before))
        self._next()

    def _collected(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting_since = time.perf_counter()
        else:
            took = time.perf_counter() - self._collecting_since
            self.collecting = max(self.collecting, took)


def waited() -> float:
    """Seconds that threads of this process were ready to run and had no processor."""
    total = 0
    for thread in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{thread}/schedstat", "rb") as file:
                total += int(file.read().split()[1])
        except (OSError, IndexError):
            continue  # it ended, or this kernel does not count
    return total / 1e9
