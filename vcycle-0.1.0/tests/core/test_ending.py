"""Tests for vcycle.core.ending."""

from __future__ import annotations

from typing import Optional

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.strategies import endings, living, maybe, spans, traces
from tests.core.values import NOW, record, running
from vcycle.core.ending import ABORT_CODE, CLEAN, conclude
from vcycle.core.machine import Doom, Ending, Outcome, Record, Traces
from vcycle.core.messages import code

LATE = 4000.0
Row = tuple[Record, Optional[str], Optional[str], float, Outcome, bool, Optional[str]]


def doomed(outcome: Outcome) -> Record:
    """A machine that we had a reason to destroy."""
    return running(doom=Doom(outcome=outcome, text="700 Because", since=NOW))


class ConcludeTests(SynchronousTestCase):
    def test_table(self) -> None:
        """
        Each row: a record, its message, what the event said, its seconds of life; then the
        outcome, whether that is an abort, and the message that is kept.
        """
        fizzle, vanish = "300 Vcycle detects fizzle after 599 seconds", "700 Vanished without"
        rows: list[Row] = [
            # Its own message decides, whatever else happened.
            (running(), "200 Done", None, LATE, Outcome.COMPLETED, False, "200 Done"),
            (running(), "200 Done", None, 5, Outcome.COMPLETED, False, "200 Done"),
            (running(), "100 Asked", CLEAN, LATE, Outcome.COMPLETED, False, "100 Asked"),
            (running(), "299 Almost", CLEAN, LATE, Outcome.COMPLETED, False, "299 Almost"),
            (running(), "300 No work", CLEAN, LATE, Outcome.ABORTED, True, "300 No work"),
            (running(), "700 Hiccup", CLEAN, LATE, Outcome.ABORTED, True, "700 Hiccup"),
            (running(), "999 ?", None, 5, Outcome.ABORTED, True, "999 ?"),
            (doomed(Outcome.SILENT), "200 Done", None, LATE, Outcome.COMPLETED, False, "200 Done"),
            (doomed(Outcome.COMPLETED), "300 Idle", None, LATE, Outcome.ABORTED, True, "300 Idle"),
            # Then why we destroyed it.
            (doomed(Outcome.SILENT), None, "destroyed", LATE, Outcome.SILENT, True, "700 Because"),
            (doomed(Outcome.PAUSED), "bye", "destroyed", LATE, Outcome.PAUSED, True, "bye"),
            (doomed(Outcome.NEVER_STARTED), None, None, 5, Outcome.NEVER_STARTED, True, "700 B"),
            (doomed(Outcome.OVERTIME), None, None, LATE, Outcome.OVERTIME, False, "700 Because"),
            (doomed(Outcome.STOPPED), None, None, 5, Outcome.STOPPED, False, "700 Because"),
            (doomed(Outcome.COMPLETED), "bye", None, LATE, Outcome.COMPLETED, False, "bye"),
            (doomed(Outcome.COMPLETED), "bye", None, 5, Outcome.FIZZLED, True, "bye"),
            # Then how long it lived, and whether its end was its own.
            (running(), None, CLEAN, 599, Outcome.FIZZLED, True, fizzle),
            (running(), "bye", CLEAN, 599, Outcome.FIZZLED, True, "bye"),
            (running(), None, CLEAN, 600, Outcome.COMPLETED, False, None),
            (running(), "bye", None, 600, Outcome.COMPLETED, False, "bye"),
            (running(), None, None, 600, Outcome.VANISHED, True, vanish),
            (running(), None, "destroyed", 600, Outcome.VANISHED, True, vanish),
            (record(), None, None, 0, Outcome.NEVER_STARTED, True, None),
        ]
        for number, (of, said, how, lived, outcome, abort, kept) in enumerate(rows):
            told = Traces(message=said, message_at=None if said is None else NOW)
            if of.started_at is not None:
                of = evolve(of, seen_at=NOW + lived)
            ending = None if how is None else Ending(at=NOW + lived, how=how)
            over = conclude(of, told, ending, now=NOW + lived + 60)
            self.assertEqual((outcome, abort), (over.outcome, over.abort), f"row {number}")
            self.assertTrue((over.message or "").startswith(kept or ""), f"row {number}")
            self.assertEqual(kept is None, over.message is None, f"row {number}")

    def test_promise_15(self) -> None:
        """A machine that never started, or vanished between two looks, is an abort."""
        for of in (record(), running(seen_at=NOW + LATE)):
            over = conclude(of, Traces(), None, now=NOW + LATE + 60)
            self.assertTrue(over.abort)
            self.assertEqual(of.started_at, over.started_at)

    def test_when(self) -> None:
        """The end is when the event says, else the last sign of life, and never to come."""
        of, now = running(seen_at=NOW + 100), NOW + 1000
        beat = Traces(heartbeat_at=NOW + 130)
        rows = [
            (Traces(), None, 100.0),
            (beat, None, 130.0),
            (beat, Ending(at=NOW + 150, how=CLEAN), 150.0),
            (beat, Ending(at=NOW + 50, how=CLEAN), 130.0),
            (beat, Ending(at=NOW + 5000, how=CLEAN), 1000.0),
            (Traces(message_at=NOW + 140), None, 140.0),
        ]
        for told, ending, expected in rows:
            self.assertEqual(NOW + expected, conclude(of, told, ending, now=now).ended_at)

    @given(living(), traces, maybe(endings), spans)
    def test_any(self, of: Record, told: Traces, ending: Ending | None, seconds: float) -> None:
        """Every machine gets one end, one outcome, and is an abort if its own code says so."""
        over = conclude(of, told, ending, now=NOW + seconds)
        self.assertIsNotNone(over.outcome)
        assert over.ended_at is not None
        self.assertLessEqual(over.ended_at, NOW + seconds)
        self.assertIsNone(over.missing_since)
        said = None if told.message is None else code(told.message)
        if said is not None:
            self.assertEqual(said >= ABORT_CODE, over.abort)
            self.assertEqual(told.message, over.message)

    @given(st.integers(0, 9999), st.text(max_size=5))
    def test_codes(self, number: int, words: str) -> None:
        """A number of three digits is a code, and one from 300 on an abort; others are words."""
        message = f"{number} {words}"
        over = conclude(running(seen_at=NOW + LATE), Traces(message=message), None, now=NOW + LATE)
        self.assertEqual(300 <= number <= 999, over.abort)
