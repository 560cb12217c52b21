"""The story of a factory that is asked while its hypervisor does not answer."""

from __future__ import annotations

import json
import sys
from typing import Any

from twisted.internet.protocol import DatagramProtocol
from twisted.trial.unittest import SynchronousTestCase

from tests.inplace import in_place
from tests.stories.world import HOUR, SPACE, World, machinetype, settings, works
from vcycle.core.vacquery.encode import encode_query
from vcycle.core.vacquery.facts import FactoryFacts
from vcycle.core.vacquery.messages import Kind, Query
from vcycle.daemon.answering import Answering
from vcycle.testing.udpnetwork import MemoryNetwork

PORT = 995
HERE = "127.0.0.1"
AT_ONCE = 0.01
"""Seconds within which an answer is there; a cycle hangs for as long as the provider does."""


class Asking(DatagramProtocol):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.heard.append(json.loads(datagram))


class AnsweringTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        self.world = World(settings(2) + machinetype(), {"atlas": works(5 * HOUR)})
        self.network = MemoryNetwork()
        self.network.advance(self.world.now())
        reactor: Any = self.network
        answering = Answering(
            reactor,
            PORT,
            HERE,
            in_thread=in_place,
            clock=self.network.seconds,
            look=lambda of: FactoryFacts(processors=8),
        )
        answering.startService()
        self.addCleanup(answering.stopService)
        self.world.readers.append(answering.publish)

    def ask(self, kind: Kind) -> list[dict[str, Any]]:
        """What is heard at once."""
        asking = Asking()
        port = self.network.listenUDP(0, asking, "127.0.0.2")
        port.write(encode_query(Query(kind=kind, space=SPACE, cookie="c")), (HERE, PORT))
        self.network.pump([AT_ONCE / 4] * 4)
        port.stopListening()
        return asking.heard

    def test_provider_hangs(self) -> None:
        """While a cycle waits for its hypervisor, other factories are answered at once."""
        self.world.boot().advance(600)
        before = self.world.snapshot.taken_at
        self.world.provider.hang = True
        self.world.advance(600)
        self.assertLess(self.world.snapshot.taken_at, before + 120, "the cycle hangs")
        [factory] = self.ask(Kind.FACTORY)
        self.assertEqual(2, factory["running_machines"])
        self.assertEqual(int(self.network.seconds()), factory["time_sent"])
        self.assertEqual(["Running"] * 2, [each["state"] for each in self.ask(Kind.MACHINES)])
        [pilots] = self.ask(Kind.MACHINETYPES)
        self.assertEqual(("atlas", 2), (pilots["machinetype"], pilots["running_machines"]))
        self.world.provider.hang = False
        self.world.provider.release()
        self.world.advance(120)
        self.assertGreater(self.world.snapshot.taken_at, before + 600)
        self.assertEqual(1, len(self.ask(Kind.FACTORY)))
