"""Tests for vcycle.core.ranges, with nagiosplugin's ranges as the other opinion."""

from __future__ import annotations

import nagiosplugin
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.ranges import Range

BOUNDS = st.one_of(st.integers(-20, 20).map(str), st.sampled_from(["0.5", "-1.25", "2."]))
TEXTS = st.one_of(
    st.sampled_from(["", "@", ":", "10", "10:", "~:10", "10:20", "@10:20", "~:", "@~:5"]),
    st.builds(
        lambda at, low, high: f"{at}{low}:{high}",
        st.sampled_from(["", "@"]),
        st.one_of(st.just("~"), st.just(""), BOUNDS),
        st.one_of(st.just(""), BOUNDS),
    ),
    st.builds(lambda at, high: f"{at}{high}", st.sampled_from(["", "@"]), BOUNDS),
)


class RangeTests(SynchronousTestCase):
    @settings(max_examples=300, deadline=None)
    @given(TEXTS, st.one_of(st.integers(-25, 25), st.floats(-25, 25)))
    def test_oracle(self, text: str, value: float) -> None:
        """A value alerts exactly where nagiosplugin says that it does; so do refusals agree."""
        try:
            other = nagiosplugin.Range(text)
        except ValueError:
            self.assertRaises(ValueError, Range, text)
            return
        self.assertEqual(not other.match(value), Range(text).alerts(value), (text, value))

    def test_refused(self) -> None:
        """What is no range is refused, and the refusal shows it."""
        for text in ("ten", "1:2:3", "20:10", "nan", "inf", "1e3", "--1", "10:~", "~", "1_0", " 1"):
            error = self.assertRaises(ValueError, Range, text)
            self.assertIn(repr(text), str(error))
