"""The clocks of this host, and the steps that its wall clock ever made."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Lock
from typing import Callable, Protocol

from attrs import define, field

from vcycle.core.clock import Reading, step


class ClockFile(Protocol):
    """Where readings and steps are kept, durably; reading what is not there gives {}."""

    def read(self) -> dict[str, object]: ...

    def write(self, content: dict[str, object]) -> None: ...


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
    _lock: Lock = field(factory=Lock)

    def open(self) -> None:
        """Read what was kept; blocking. What makes no sense counts as never written."""
        content = self._file.read()
        steps = content.get("steps")
        if isinstance(steps, list):
            self.steps = [float(s) for s in steps if isinstance(s, (int, float))]
        last = content.get("last")
        if isinstance(last, dict):
            boot, wall_time, since_boot = (last.get(k) for k in ("boot", "wall", "since_boot"))
            numbers = isinstance(wall_time, (int, float)) and isinstance(since_boot, (int, float))
            if isinstance(boot, str) and numbers:
                self._last = Reading(boot=boot, wall=wall_time, since_boot=since_boot)

    def look(self) -> float:
        """Read the clocks and keep the reading, blocking; the step since the last look, or 0.0."""
        with self._lock:
            return self._look()

    def _look(self) -> float:
        now = self._read()
        stepped = 0.0 if self._last is None else step(self._last, now)
        if stepped:
            self.steps.append(stepped)
        self._last = now
        self._file.write(
            {
                "steps": self.steps,
                "last": {"boot": now.boot, "wall": now.wall, "since_boot": now.since_boot},
            }
        )
        return stepped
