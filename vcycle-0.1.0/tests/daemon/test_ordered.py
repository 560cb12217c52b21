"""Tests for vcycle.daemon.ordered."""

from __future__ import annotations

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.spoken import listening
from vcycle.daemon.ordered import OrderedServices

PATIENCE = 4.0


class Child(Service):
    """Notes in ``acts`` when it starts and stops; stopping ends with ``ending``."""

    def __init__(self, name: str, acts: list[str], ending: Deferred[None] | None = None) -> None:
        self.setName(name)
        self._acts = acts
        self._ending = ending

    def startService(self) -> None:
        super().startService()
        self._acts.append(f"start {self.name}")

    def stopService(self) -> Deferred[None]:
        super().stopService()
        self._acts.append(f"stop {self.name}")
        return succeed(None) if self._ending is None else self._ending


class OrderedServicesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.acts: list[str] = []
        self.services = OrderedServices(self.clock, PATIENCE)

    def add(self, name: str, ending: Deferred[None] | None = None) -> None:
        Child(name, self.acts, ending).setServiceParent(self.services)

    def stop(self) -> Deferred[None]:
        self.services.startService()
        self.acts.clear()
        return self.services.stopService()

    def test_start(self) -> None:
        """Children start in the order in which they were added."""
        self.add("one")
        self.add("two")
        self.services.startService()
        self.assertEqual(["start one", "start two"], self.acts)

    def test_in_turn(self) -> None:
        """A child is told to stop once all that came after it have stopped."""
        ending: Deferred[None] = Deferred()
        self.add("one")
        self.add("two", ending)
        stopped = self.stop()
        self.assertEqual(["stop two"], self.acts)
        self.assertNoResult(stopped)
        ending.callback(None)
        self.assertEqual(["stop two", "stop one"], self.acts)
        self.successResultOf(stopped)

    def test_failure(self) -> None:
        """A child that fails to stop does not keep the others from it; it is logged."""
        self.add("one")
        self.add("two", fail(ValueError("stuck")))
        self.successResultOf(self.stop())
        self.assertEqual(["stop two", "stop one"], self.acts)
        self.assertEqual(1, len(self.flushLoggedErrors(ValueError)))

    def test_patience(self) -> None:
        """A child that goes on and on is left behind after its time."""
        self.add("one")
        self.add("two", Deferred())
        with listening() as said:
            stopped = self.stop()
            self.clock.advance(PATIENCE - 0.1)
            self.assertEqual(["stop two"], self.acts)
            self.clock.advance(0.1)
        self.assertEqual(["stop two", "stop one"], self.acts)
        self.successResultOf(stopped)
        self.assertEqual(["warn: two did not stop within 4s and is left behind"], said)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_left_with_its_children(self) -> None:
        """A child that itself waits for others is told of as any; nothing is cancelled."""
        inner = MultiService()
        inner.setName("inner")
        cancelled: list[object] = []
        Child("slow", self.acts, Deferred(cancelled.append)).setServiceParent(inner)
        inner.setServiceParent(self.services)
        with listening() as said:
            stopped = self.stop()
            self.clock.advance(PATIENCE)
        self.successResultOf(stopped)
        self.assertEqual(["warn: inner did not stop within 4s and is left behind"], said)
        self.assertEqual([], cancelled)

    def test_late_child(self) -> None:
        """One that is left behind may finish later; nobody is surprised."""
        ending: Deferred[None] = Deferred()
        self.add("one", ending)
        stopped = self.stop()
        self.clock.advance(PATIENCE)
        self.successResultOf(stopped)
        ending.errback(ValueError("too late to matter"))
