"""Tests for vcycle.daemon.drains: what is ordered to rest survives the daemon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW
from tests.inplace import in_place
from vcycle.core.drains import Drain
from vcycle.core.errors import StoreError
from vcycle.daemon.drains import Drains

DRAIN = Drain(reason="repairs", by="ann", since=NOW, until=NOW + 60)


class DrainsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = NOW
        place = Path(self.mktemp()).absolute()
        place.mkdir(parents=True)
        self.path = place / "drains.json"
        self.drains = self.begun()

    def begun(self) -> Drains:
        """As a daemon that starts now has them."""
        return Drains(str(self.path), in_place, lambda: self.now)

    def of(self, work: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(work))

    def test_kept(self) -> None:
        """A drain is there after a restart, and ends by itself."""
        self.assertEqual((), self.of(self.drains.known()))
        self.of(self.drains.add(DRAIN))
        self.assertEqual((DRAIN,), self.of(self.begun().known()))
        self.now += 60
        self.assertEqual((), self.of(self.drains.known()))
        self.assertEqual((), self.of(self.begun().known()))

    def test_end(self) -> None:
        """What is resumed is that very target; others rest on."""
        other = evolve(DRAIN, machinetype="pilot")
        self.of(self.drains.add(DRAIN))
        self.of(self.drains.add(other))
        self.assertEqual((), self.of(self.drains.end("s", None)))
        self.assertEqual((DRAIN,), self.of(self.drains.end(None, None)))
        self.assertEqual((other,), self.of(self.begun().known()))

    def test_damaged(self) -> None:
        """Where it is not known what was to rest, that is an error, which names the cure."""
        for text in ("", "{", '{"drains": [1]}', '{"drains": 7}'):
            self.path.write_text(text)
            failure = self.failureResultOf(Deferred.fromCoroutine(self.begun().known()))
            failure.trap(StoreError)
            self.assertIn("remove it", str(failure.value))

    def test_not_written(self) -> None:
        """A drain that could not be kept holds for nobody."""
        self.of(self.drains.known())
        self.path.mkdir()
        failure = self.failureResultOf(Deferred.fromCoroutine(self.drains.add(DRAIN)))
        failure.trap(StoreError)
        self.assertEqual((), self.of(self.drains.known()))
