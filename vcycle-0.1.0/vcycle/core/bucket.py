"""A token bucket: some at once, then a few for ever."""

from __future__ import annotations

from attrs import define


@define
class Bucket:
    """
    ``burst`` at once, then one each ``every`` seconds. Times are seconds of any one clock,
    which may be set: back, and no time has passed; forward, and the bucket is full sooner.
    """

    burst: int
    every: float
    _missing: float = 0.0
    _last: float | None = None

    def wait(self, now: float) -> float:
        """Take a token; the seconds until it may be spent."""
        passed = 0.0 if self._last is None else max(0.0, now - self._last)
        self._last = now
        self._missing = max(0.0, self._missing - passed) + self.every
        return max(0.0, self._missing - self.burst * self.every)
