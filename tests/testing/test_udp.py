"""The transport in memory keeps to the interface of the real one."""

from __future__ import annotations

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IUDPTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from vcycle.testing.udp import MemoryDatagramTransport


class TransportTests(SynchronousTestCase):
    def test_interface(self) -> None:
        """It has all that a datagram transport has."""
        self.assertTrue(verifyObject(IUDPTransport, MemoryDatagramTransport()))

    def test_keeps(self) -> None:
        """What is written is kept with its address; stopping stops it."""
        transport = MemoryDatagramTransport()
        transport.write(b"a", ("127.0.0.1", 9))
        self.assertEqual([(b"a", ("127.0.0.1", 9))], transport.sent)
        self.assertIsInstance(transport.getHost(), IPv4Address)
        self.successResultOf(transport.stopListening())
        self.assertFalse(transport.listening)
        self.assertFalse(transport.getBroadcastAllowed())
