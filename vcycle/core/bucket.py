"""A token bucket: some at once, then a few for ever."""

from __future__ import annotations

from attrs import define


@define
class Bucket:
    """``burst`` at once, then one each ``every`` seconds; times are seconds of any one clock."""

    burst: int
    every: float
    _full_at: float = 0.0

    def wait(self, now: float) -> float:
        """Take a token; the seconds until it may be spent."""
        full_at = max(self._full_at, now) + self.every
        self._full_at = full_at
        return max(0.0, full_at - now - self.burst * self.every)
