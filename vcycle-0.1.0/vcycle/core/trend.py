"""The last day of each space in frames of some minutes: how many machines, and how they ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from attrs import define, evolve, field

STEP = 300
"""Seconds of one frame."""

FRAMES = 288
MOST_SPACES = 100
MOST_KINDS = 64
KINDS_SHOWN = 7
OTHERS = "(others)"


@define
class Frame:
    """``at`` is when it begins; machines are those that there were last in it."""

    at: int
    machines: dict[str, int] = field(factory=dict)
    good: int = 0
    aborts: int = 0


@define
class Trend:
    """Frames by space, the eldest first; in all they are bounded."""

    _spaces: dict[str, deque[Frame]] = field(factory=dict)

    def note(self, space: str, now: float, machines: Mapping[str, int]) -> bool:
        """How many machines of each kind there are now; True where this begins a new frame."""
        frames = self._spaces.get(space)
        before = frames[-1].at if frames else None
        frame = self._frame(space, now)
        if frame is None:
            return False
        frame.machines = dict(sorted(machines.items(), key=lambda each: -each[1])[:MOST_KINDS])
        return frame.at != before

    def ended(self, space: str, now: float, abort: bool) -> None:
        """A machine is over."""
        frame = self._frame(space, now)
        if frame is not None:
            frame.good += not abort
            frame.aborts += abort

    def withdraw(self, space: str) -> None:
        """The space is no more."""
        self._spaces.pop(space, None)

    def copy(self) -> Trend:
        """As it is now, for another thread to read."""
        return Trend(
            {
                name: deque((evolve(frame) for frame in frames), maxlen=FRAMES)
                for name, frames in self._spaces.items()
            }
        )

    def _frame(self, space: str, now: float) -> Frame | None:
        if space not in self._spaces and len(self._spaces) >= MOST_SPACES:
            return None
        frames = self._spaces.setdefault(space, deque(maxlen=FRAMES))
        at = int(now) - int(now) % STEP
        # A clock that was set back lives those minutes again.
        while frames and frames[-1].at > at:
            frames.pop()
        if not frames or frames[-1].at < at:
            frames.append(Frame(at))
        return frames[-1]

    def kept(self) -> dict[str, object]:
        """As a JSON object, to be kept beside a restart."""
        return {
            "version": 1,
            "spaces": {
                name: [[f.at, f.machines, f.good, f.aborts] for f in frames]
                for name, frames in self._spaces.items()
            },
        }

    def recall(self, kept: Mapping[str, object], now: float) -> None:
        """What was kept of the last day; what makes no sense is left out."""
        spaces = kept.get("spaces")
        if kept.get("version") != 1 or not isinstance(spaces, dict):
            return
        for name, rows in list(spaces.items())[:MOST_SPACES]:
            frames = deque(_frames(rows, now), maxlen=FRAMES)
            if frames:
                self._spaces.setdefault(str(name), frames)

    def shown(self, space: str, now: float) -> dict[str, object]:
        """The last day of a space in columns: None where nothing is known."""
        last = int(now) - int(now) % STEP
        first = last - (FRAMES - 1) * STEP
        frames = {f.at: f for f in self._spaces.get(space, ()) if first <= f.at <= last}
        row = [frames.get(first + number * STEP) for number in range(FRAMES)]
        sums: dict[str, int] = {}
        for frame in frames.values():
            for kind, count in frame.machines.items():
                sums[kind] = sums.get(kind, 0) + count
        kinds = sorted(sums, key=lambda kind: (-sums[kind], kind))
        named = sorted(kinds[:KINDS_SHOWN])
        series: dict[str, list[int | None]] = {
            kind: [None if f is None else f.machines.get(kind, 0) for f in row] for kind in named
        }
        if len(kinds) > KINDS_SHOWN:
            rest = kinds[KINDS_SHOWN:]
            series[OTHERS] = [
                None if f is None else sum(f.machines.get(kind, 0) for kind in rest) for f in row
            ]
        return {
            "from": first,
            "step": STEP,
            "machines": series,
            "good": [None if f is None else f.good for f in row],
            "aborts": [None if f is None else f.aborts for f in row],
        }


def _frames(rows: object, now: float) -> Iterable[Frame]:
    oldest, before = now - FRAMES * STEP, 0
    for row in rows if isinstance(rows, list) else []:
        if not isinstance(row, list) or len(row) != 4:
            continue
        at, machines, good, aborts = row
        if not (_count(at) and _count(good) and _count(aborts) and isinstance(machines, dict)):
            continue
        if at % STEP or not oldest <= at <= now or at <= before:
            continue
        counts = {str(kind)[:64]: n for kind, n in machines.items() if _count(n)}
        yield Frame(at, dict(list(counts.items())[:MOST_KINDS]), good, aborts)
        before = at


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53
