"""The clocks of this host, and the steps that its wall clock ever made."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Callable, Protocol

from attrs import define, field
from twisted.internet.defer import DeferredLock

from vcycle.core.clock import Reading, step

MOST = 1e11
"""Seconds; what is further from zero is no time that a clock can show."""


class ClockFile(Protocol):
    """Where readings and steps are kept, durably; reading what is not there gives {}."""

    def read(self) -> Awaitable[Mapping[str, object]]: ...

    def write(self, readings: Mapping[str, object], /) -> Awaitable[None]: ...


def monotonic() -> float:
    """Seconds of CLOCK_MONOTONIC, which nobody sets."""
    return time.monotonic()


def wall() -> float:
    """Unix seconds."""
    return time.time()


def reading() -> Reading:
    """The host's clocks now."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        boot = "unknown"
    return Reading(boot=boot, wall=time.time(), since_boot=time.clock_gettime(time.CLOCK_BOOTTIME))


@define
class ClockWatch:
    """
    Compares wall and monotonic time from look to look, across restarts of the daemon too.

    ``steps`` are all steps there ever were, in seconds, and are known after the first look. One
    that could not be kept holds all the same, and is written with the next look.
    """

    _file: ClockFile
    _read: Callable[[], Reading] = reading
    steps: list[float] = field(factory=list)
    _last: Reading | None = None
    _untold: float = 0.0
    _opened: bool = False
    _looking: DeferredLock = field(factory=DeferredLock)

    async def look(self) -> float:
        """
        Read the clocks and keep the reading; the step since the last look, or 0.0.

        The first look compares with what the former daemon kept.

        :raises StoreError: what was kept cannot be read, or the reading cannot be kept; the
            next look that can keep one gives the step.
        """
        await self._looking.acquire()
        try:
            if not self._opened:
                await self._open()
            now = self._read()
            stepped = 0.0 if self._last is None else step(self._last, now)
            self._last = now
            if stepped:
                self.steps = [*self.steps, stepped]
                self._untold += stepped
            last = {"boot": now.boot, "wall": now.wall, "since_boot": now.since_boot}
            await self._file.write({"steps": self.steps, "last": last})
            untold, self._untold = self._untold, 0.0
            return untold
        finally:
            self._looking.release()

    async def _open(self) -> None:
        """What makes no sense counts as no step, but counts: records say how many they include."""
        content = await self._file.read()
        steps = content.get("steps")
        if isinstance(steps, list):
            self.steps = [_seconds(each) or 0.0 for each in steps]
        self._last = _kept(content.get("last"))
        self._opened = True


def _kept(last: object) -> Reading | None:
    if not isinstance(last, dict):
        return None
    boot, wall_time, since_boot = (last.get(key) for key in ("boot", "wall", "since_boot"))
    at, up = _seconds(wall_time), _seconds(since_boot)
    if not isinstance(boot, str) or at is None or up is None:
        return None
    return Reading(boot=boot, wall=at, since_boot=up)


def _seconds(value: object) -> float | None:
    """A finite number, or None; a file may hold numbers that no clock shows."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if -MOST < value < MOST else None
