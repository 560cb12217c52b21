"""Tests for vcycle.core.clock."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.strategies import knowns, living
from tests.core.values import NOW, ended
from vcycle.core.clock import TOLERANCE, Reading, moved, step
from vcycle.core.machine import Ending, Record, Traces
from vcycle.core.supervision import Deadlines, Known, review

steps = st.integers(-(10**8), 10**8).map(float)


def reading(wall: float, since_boot: float, boot: str = "first") -> Reading:
    """Clocks so many seconds after NOW, and after a boot."""
    return Reading(boot=boot, wall=NOW + wall, since_boot=since_boot)


def shifted(at: float | None, seconds: float) -> float | None:
    return None if at is None else at + seconds


def known_later(what: Known, seconds: float) -> Known:
    """The same look, as told by clocks that were set."""
    ending, traces = what.ending, what.traces
    return evolve(
        what,
        ending=None if ending is None else Ending(at=ending.at + seconds, how=ending.how),
        traces=Traces(
            heartbeat_at=shifted(traces.heartbeat_at, seconds),
            message=traces.message,
            message_at=shifted(traces.message_at, seconds),
        ),
        end_before=shifted(what.end_before, seconds),
        served_since=what.served_since + seconds,
    )


class StepTests(SynchronousTestCase):
    def test_table(self) -> None:
        """Each row: two readings, and by how much the clock was set between."""
        first = reading(0, 1000)
        rows = [
            (reading(60, 1060), 0.0),
            (reading(60 + TOLERANCE, 1060), 0.0),
            (reading(60 - TOLERANCE, 1060), 0.0),
            (reading(3660, 1060), 3600.0),
            (reading(-3540, 1060), -3600.0),
            # A reboot: how long it took is not known, but that the clock went back may be.
            (reading(500, 20, "second"), 0.0),
            (reading(1e8, 20, "second"), 0.0),
            (reading(-980, 20, "second"), -1000.0),
            (reading(18, 20, "second"), 0.0),
        ]
        for second, expected in rows:
            self.assertEqual(expected, step(first, second))

    @given(st.floats(0, 1e7), st.floats(-1e8, 1e8))
    def test_told_apart(self, passed: float, by: float) -> None:
        """However much time passes, exactly the step is told, if it is one at all."""
        got = step(reading(0, 1000), reading(passed + by, 1000 + passed))
        if abs(by) > TOLERANCE + 0.001:
            self.assertAlmostEqual(by, got, places=4)
        elif abs(by) < TOLERANCE - 0.001:
            self.assertEqual(0.0, got)


class MovedTests(SynchronousTestCase):
    @given(living(), steps)
    def test_ages(self, of: Record, seconds: float) -> None:
        """Promise 13: all ages are as they were, and nothing but times has changed."""
        after = moved(of, seconds, 3)
        for name in ("shutdown_time", "started_at", "seen_at", "missing_since"):
            before = getattr(of, name)
            if before is None:
                self.assertIsNone(getattr(after, name))
            else:
                age = before - of.requested_at
                self.assertAlmostEqual(age, getattr(after, name) - after.requested_at, places=4)
        self.assertEqual((of.born, of.directory, 3), (after.born, after.directory, after.clock))
        self.assertEqual(of.limits, after.limits)

    def test_end(self) -> None:
        """How long a machine lived stays true if its end is written after a step."""
        over = ended()
        after = moved(over, 1000.0, 1)
        assert over.ended_at is not None
        self.assertEqual(over.ended_at + 1000.0, after.ended_at)

    @given(living(at=st.integers(-(10**6), 10**6).map(lambda s: NOW + s)), steps, steps)
    def test_twice(self, of: Record, first: float, second: float) -> None:
        """Moved twice is moved by the sum."""
        of = evolve(of, doom=None)
        self.assertEqual(moved(of, first + second, 2), moved(moved(of, first, 1), second, 2))

    @given(st.data(), steps)
    def test_promise_13(self, data: st.DataObject, seconds: float) -> None:
        """A clock that was set changes no decision: the same follows, told by the new clock."""
        at = st.integers(-(10**6), 10**6).map(lambda s: NOW + s)
        of = evolve(data.draw(living(at=at)), doom=None, clock=0)
        what = data.draw(knowns(of))
        before = review(of, what, Deadlines(), NOW)
        after = review(
            moved(of, seconds, 0), known_later(what, seconds), Deadlines(), NOW + seconds
        )
        self.assertIs(before.state, after.state)
        self.assertIs(before.record.outcome, after.record.outcome)
        self.assertEqual(before.record.abort, after.record.abort)
