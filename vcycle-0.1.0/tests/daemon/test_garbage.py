"""Tests of the garbage collector's turns: garbage goes, what lasts is not walked over."""

from __future__ import annotations

import gc
import weakref

from twisted.trial.unittest import SynchronousTestCase

from vcycle.daemon import garbage
from vcycle.daemon.garbage import Sweeper


class Circle:
    """Keeps itself alive, as its own user."""

    def __init__(self) -> None:
        self.itself: Circle | None = self


class SweeperTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.addCleanup(gc.set_threshold, *gc.get_threshold())
        self.addCleanup(gc.unfreeze)
        self.sweeper = Sweeper()
        self.sweeper.settle()

    def test_garbage_goes(self) -> None:
        """A circle that nobody uses is gone after a sweep."""
        gone = weakref.ref(Circle())
        self.sweeper.sweep()
        self.assertIsNone(gone())

    def test_set_aside(self) -> None:
        """What survives a sweep is not walked over by the next, and still goes with its user."""
        circle = Circle()
        self.sweeper.sweep()
        self.assertFalse(any(each is circle for each in gc.get_objects()))
        circle.itself = None
        gone = weakref.ref(circle)
        del circle
        self.assertIsNone(gone())

    def test_circle_set_aside(self) -> None:
        """A circle that becomes garbage once set aside goes when there is much more than was."""
        self.patch(garbage, "SLACK", 0)
        self.patch(garbage, "GROWTH", 0.0)
        circle = Circle()
        gone = weakref.ref(circle)
        self.sweeper.sweep()
        del circle
        self.sweeper.sweep()
        self.assertIsNotNone(gone())
        for _ in range(garbage.LOOK_EACH):
            self.sweeper.sweep()
        self.assertIsNone(gone())
