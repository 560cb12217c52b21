"""Tests for vcycle.core.bucket."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.bucket import Bucket


class BucketTests(SynchronousTestCase):
    def test_burst(self) -> None:
        """A few at once, then one each so many seconds."""
        bucket = Bucket(burst=3, every=2.0)
        self.assertEqual([0, 0, 0, 2, 4], [bucket.wait(1000.0) for _ in range(5)])
        self.assertEqual(5.0, bucket.wait(1001.0))

    def test_filled_again(self) -> None:
        """After a rest there are as many at once again, and no more."""
        bucket = Bucket(burst=3, every=2.0)
        for at in (0.0, 0.0, 0.0, 1e6, 1e6, 1e6):
            self.assertEqual(0.0, bucket.wait(at))
        self.assertEqual(2.0, bucket.wait(1e6))

    def test_promise_13(self) -> None:
        """A clock that is set back makes nobody wait longer than the bucket would."""
        bucket = Bucket(burst=1, every=2.0)
        self.assertEqual(0.0, bucket.wait(1e9))
        self.assertEqual(2.0, bucket.wait(1e9 - 3600))
        self.assertEqual(0.0, bucket.wait(1e9 - 3590))

    @given(
        st.integers(1, 5), st.sampled_from([0.5, 2.0]), st.lists(st.integers(0, 40), max_size=40)
    )
    def test_rate(self, burst: int, every: float, pauses: list[int]) -> None:
        """In no span of time are more tokens spent than the burst and the rate allow."""
        bucket, now = Bucket(burst=burst, every=every), 0.0
        spent: list[float] = []
        for pause in pauses:
            now += pause / 4
            spent.append(now + bucket.wait(now))
        for first in range(len(spent)):
            for last in range(first, len(spent)):
                allowed = burst + (spent[last] - spent[first]) / every
                self.assertLessEqual(last - first + 1, allowed + 1e-9)
