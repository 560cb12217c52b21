"""Tests for vcycle.core.leavings."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.leavings import SETTLED, Leavings


class LeavingsTests(SynchronousTestCase):
    def test_a_while(self) -> None:
        """What is found at every look for long enough is ripe."""
        left: Leavings[str] = Leavings()
        self.assertEqual([], left.ripe(["a"], 1000.0))
        self.assertEqual([], left.ripe(["a", "b"], 1000.0 + SETTLED - 1))
        self.assertEqual(["a"], left.ripe(["a", "b"], 1000.0 + SETTLED))

    def test_not_at_every_look(self) -> None:
        """What had an owner in between begins anew."""
        left: Leavings[str] = Leavings()
        left.ripe(["a"], 1000.0)
        left.ripe([], 1100.0)
        self.assertEqual([], left.ripe(["a"], 1000.0 + SETTLED))

    def test_clock_set_back(self) -> None:
        """A clock that was set back makes it take longer, and never for ever."""
        left: Leavings[str] = Leavings()
        left.ripe(["a"], 1e9)
        self.assertEqual([], left.ripe(["a"], 1000.0))
        self.assertEqual(["a"], left.ripe(["a"], 1000.0 + SETTLED))
