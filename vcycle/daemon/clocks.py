"""The clocks of this host, and the steps that its wall clock ever made."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Callable, Protocol

from attrs import define, field
from twisted.internet.defer import DeferredLock

from vcycle.core.clock import Reading, step


class ClockFile(Protocol):
    """Where readings and steps are kept, durably; reading what is not there gives {}."""

    def read(self) -> Awaitable[Mapping[str, object]]: ...

    def write(self, readings: Mapping[str, object], /) -> Awaitable[None]: ...


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

    ``steps`` are all steps there ever were, in seconds; a step is on disk before it is told.
    """

    _file: ClockFile
    _read: Callable[[], Reading] = reading
    steps: list[float] = field(factory=list)
    _last: Reading | None = None
    _looking: DeferredLock = field(factory=DeferredLock)

    async def open(self) -> None:
        """
        Read what was kept; what makes no sense counts as never written.

        :raises StoreError: it cannot be read.
        """
        content = await self._file.read()
        steps = content.get("steps")
        if isinstance(steps, list):
            self.steps = [float(each) for each in steps if isinstance(each, (int, float))]
        self._last = _kept(content.get("last"))

    async def look(self) -> float:
        """
        Read the clocks and keep the reading; the step since the last look, or 0.0.

        :raises StoreError: it cannot be kept; a step is then told by the next look.
        """
        await self._looking.acquire()
        try:
            now = self._read()
            stepped = 0.0 if self._last is None else step(self._last, now)
            steps = [*self.steps, stepped] if stepped else self.steps
            last = {"boot": now.boot, "wall": now.wall, "since_boot": now.since_boot}
            await self._file.write({"steps": steps, "last": last})
            self.steps, self._last = steps, now
            return stepped
        finally:
            self._looking.release()


def _kept(last: object) -> Reading | None:
    if not isinstance(last, dict):
        return None
    boot, wall_time, since_boot = (last.get(key) for key in ("boot", "wall", "since_boot"))
    if not isinstance(boot, str) or not isinstance(wall_time, (int, float)):
        return None
    if not isinstance(since_boot, (int, float)):
        return None
    return Reading(boot=boot, wall=float(wall_time), since_boot=float(since_boot))
