"""All that knows the other factories keeps the same promises."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.peers import PeersContract
from tests.core.values import NOW
from tests.vacquery.factories import Ground
from vcycle.core.peers import PeerReport, Peers
from vcycle.testing.peers import MemoryPeers


class MemoryPeersTests(PeersContract, SynchronousTestCase):
    def setUp(self) -> None:
        self.memory = self.peers = MemoryPeers(self.now)

    def now(self) -> float:
        return NOW

    def tell(self, factory: str, *reports: PeerReport) -> None:
        self.memory.told[factory] = reports

    def end(self, answer: object) -> Peers:
        assert isinstance(answer, Coroutine)
        found: Peers = self.successResultOf(answer)
        return found


class UdpPeersTests(PeersContract, SynchronousTestCase):
    def setUp(self) -> None:
        self.ground = Ground()
        self.peers = self.ground.peers

    def now(self) -> float:
        return self.ground.wall()

    def tell(self, factory: str, *reports: PeerReport) -> None:
        self.ground.tell(factory, *reports)

    def end(self, answer: object) -> Peers:
        assert isinstance(answer, Coroutine)
        waiting: Deferred[Any] = Deferred.fromCoroutine(answer)
        self.ground.wait_for(waiting)
        found: Peers = self.successResultOf(waiting)
        return found
