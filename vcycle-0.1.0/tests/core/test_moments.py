"""Tests for vcycle.core.moments."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.moments import moment, span

MINUTE, HOUR, DAY = 60, 3600, 86400


class MomentTests(SynchronousTestCase):
    def test_moments(self) -> None:
        """Moments are in UTC, to the second."""
        self.assertEqual("1970-01-01 00:00:00Z", moment(0))
        self.assertEqual("2026-01-01 00:00:00Z", moment(1767225600.9))

    def test_spans(self) -> None:
        """Spans are in the two units that matter."""
        rows = [
            (-5, "0s"),
            (0.4, "0s"),
            (59.4, "59s"),
            (59.6, "1m 00s"),
            (3 * MINUTE + 5, "3m 05s"),
            (2 * HOUR + 10 * MINUTE + 59, "2h 10m"),
            (DAY - 1, "23h 59m"),
            (4 * DAY + 3 * HOUR, "4d 03h"),
            (400 * DAY, "400d 00h"),
        ]
        for seconds, expected in rows:
            self.assertEqual(expected, span(seconds))

    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_any(self, number: float) -> None:
        """Every number can be shown, as a moment and as a span, in one line of ASCII."""
        for shown in (moment(number), span(number)):
            self.assertTrue(shown.isascii() and shown.isprintable() and shown)
