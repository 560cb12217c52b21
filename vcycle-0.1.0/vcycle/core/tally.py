"""What is counted from the daemon's start on: ends, errors, and how long things took."""

from __future__ import annotations

from attrs import define, evolve, field

from vcycle.core.machine import Record

BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Upper bounds of a histogram's buckets, in seconds; a last one has none."""

MOST = 20_000
"""Things that are told apart; what comes after so many is not counted."""


@define
class Durations:
    """A histogram of seconds; ``counts`` has one number more than there are BOUNDS."""

    counts: list[int] = field(factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """One more; a clock that went backwards counts as no time at all."""
        seconds = max(0.0, seconds)
        self.counts[sum(bound < seconds for bound in BOUNDS)] += 1
        self.total += seconds

    def copy(self) -> Durations:
        return Durations(list(self.counts), self.total)


@define
class Lives:
    """Machines of a kind that ended: how many, and what they used in seconds."""

    count: int = 0
    cpu_seconds: float = 0.0
    seconds: float = 0.0


@define
class Tally:
    """
    ``ends`` by space, machinetype and outcome; ``cycles`` by space; ``calls`` by provider, call
    and what came of it; ``errors`` by the name of their line.
    """

    ends: dict[tuple[str, str, str], Lives] = field(factory=dict)
    cycles: dict[str, Durations] = field(factory=dict)
    calls: dict[tuple[str, str, str], Durations] = field(factory=dict)
    errors: dict[str, int] = field(factory=dict)

    def ended(self, record: Record) -> None:
        """A machine is over."""
        outcome = "unknown" if record.outcome is None else record.outcome.value
        key = (record.space, record.machinetype, outcome)
        if key not in self.ends and len(self.ends) >= MOST:
            return
        lives = self.ends.setdefault(key, Lives())
        lives.count += 1
        lives.cpu_seconds += max(0.0, record.cpu_seconds)
        if record.started_at is not None and record.ended_at is not None:
            lives.seconds += max(0.0, record.ended_at - record.started_at)

    def cycle(self, space: str, seconds: float) -> None:
        """A cycle took so long."""
        if space in self.cycles or len(self.cycles) < MOST:
            self.cycles.setdefault(space, Durations()).add(seconds)

    def call(self, provider: str, name: str, result: str, seconds: float) -> None:
        """A call of a provider took so long."""
        key = (provider, name, result)
        if key in self.calls or len(self.calls) < MOST:
            self.calls.setdefault(key, Durations()).add(seconds)

    def error(self, name: str) -> None:
        """An operator was told of something that went wrong."""
        if name in self.errors or len(self.errors) < MOST:
            self.errors[name] = self.errors.get(name, 0) + 1

    def copy(self) -> Tally:
        """As it is now, for another thread to read."""
        return Tally(
            ends={key: evolve(lives) for key, lives in self.ends.items()},
            cycles={key: durations.copy() for key, durations in self.cycles.items()},
            calls={key: durations.copy() for key, durations in self.calls.items()},
            errors=dict(self.errors),
        )
