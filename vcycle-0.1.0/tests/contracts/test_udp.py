"""The network in memory, and the reactor's own, keep the same promises."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.contracts.udp import UDPContract
from vcycle.testing.udpnetwork import TRAVEL_SECONDS, MemoryNetwork


class MemoryNetworkTests(UDPContract, TestCase):
    def setUp(self) -> None:
        self.memory = self.network = MemoryNetwork()

    async def until(self, done: Deferred[None]) -> None:
        for _ in range(10):
            self.memory.advance(TRAVEL_SECONDS)
        self.assertTrue(done.called)


class ReactorTests(UDPContract, TestCase):
    """On the loopback interface; each test is over when its last datagram has come."""

    timeout = 20

    def setUp(self) -> None:
        self.network = reactor

    async def until(self, done: Deferred[None]) -> None:
        await done
