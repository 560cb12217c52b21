"""How it stands with each space of a daemon: its last cycle, and what failed since."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, evolve, frozen

from vcycle.core.config.model import Space
from vcycle.core.ends import End
from vcycle.core.snapshot import Snapshot


@frozen(kw_only=True)
class Awaited:
    """
    A space that is to run, and none of whose cycles has ended; the daemon has had it ``since``
    (Unix seconds). ``trouble`` is what keeps its cycles from ending, None where none is known.
    """

    space: Space
    since: float
    trouble: str | None = None


@frozen(kw_only=True)
class Failures:
    """
    Creations of one machinetype that failed since the last of its machines that started; the
    last one ``at`` (Unix seconds).
    """

    count: int
    at: float
    text: str


@frozen(kw_only=True)
class Pulse:
    """
    One space: its last cycle, when its provider last answered (None: not since the start, of
    which ``since`` tells), and by machinetype what could not be created.
    """

    snapshot: Snapshot
    since: float
    answered_at: float | None = None
    failures: Mapping[str, Failures] = Factory(dict)

    def beat(self, snapshot: Snapshot) -> Pulse:
        """Another cycle has ended."""
        return evolve(
            self,
            snapshot=snapshot,
            answered_at=snapshot.taken_at if snapshot.answered else self.answered_at,
            failures={
                machinetype: failures
                for machinetype, failures in self.failures.items()
                if machinetype in snapshot.space.machinetypes
                and not _started_since(snapshot, machinetype, failures.at)
            },
        )

    def failed(self, end: End) -> Pulse:
        """Another machine never started."""
        former = self.failures.get(end.machinetype)
        count = 1 if former is None else former.count + 1
        failures = Failures(count=count, at=end.at, text=end.message or end.outcome)
        return evolve(self, failures={**self.failures, end.machinetype: failures})

    def troubled(self, trouble: str | None) -> Pulse:
        """The same with what keeps its next cycle from ending, if anything does."""
        if trouble is None:
            return self
        problems = (*self.snapshot.problems, trouble)
        return evolve(self, snapshot=evolve(self.snapshot, problems=problems))


def _started_since(snapshot: Snapshot, machinetype: str, at: float) -> bool:
    starts = (
        reviewed.record.started_at
        for reviewed in snapshot.machines
        if reviewed.record.machinetype == machinetype
    )
    return any(started is not None and started > at for started in starts)
