"""What we rely on where datagrams travel, to be run against all that carries them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IReactorUDP, IUDPTransport
from twisted.internet.protocol import DatagramProtocol
from zope.interface.verify import verifyObject

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase as Base
else:
    Base = ABC


class Hearing(DatagramProtocol):
    """Fires ``enough`` once so many datagrams came; an echo sends each back."""

    noisy = False

    def __init__(self, wanted: int = 0, echo: bool = False) -> None:
        self.heard: list[tuple[bytes, tuple[str, int]]] = []
        self.enough: Deferred[None] = Deferred()
        self.stopped = 0
        self._wanted = wanted
        self._echo = echo

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.heard.append((datagram, addr))
        if self._echo and self.transport is not None:
            self.transport.write(datagram, addr)
        if len(self.heard) == self._wanted:
            self.enough.callback(None)

    def stopProtocol(self) -> None:
        self.stopped += 1


class UDPContract(Base):
    """Mix into a TestCase that sets ``network``."""

    network: Any

    @abstractmethod
    async def until(self, done: Deferred[None]) -> None:
        """Let time pass until it fires."""

    def listen(self, protocol: Hearing, host: str = "127.0.0.1", port: int = 0) -> Any:
        listening = self.network.listenUDP(port, protocol, interface=host, maxPacketSize=1000)
        self.addCleanup(listening.stopListening)
        return listening

    def test_interfaces(self) -> None:
        """It declares and provides what it has."""
        port = self.listen(Hearing())
        self.assertTrue(verifyObject(IReactorUDP, self.network))
        self.assertTrue(verifyObject(IListeningPort, port))
        self.assertTrue(verifyObject(IUDPTransport, port))

    async def test_there_and_back(self) -> None:
        """A datagram says where it came from, and what is sent there arrives."""
        asker, echo = Hearing(wanted=3), Hearing(echo=True)
        asking = self.listen(asker)
        place = self.listen(echo, host="127.0.0.2").getHost()
        for number in range(3):
            asking.write(b"%d" % number, (place.host, place.port))
        await self.until(asker.enough)
        self.assertEqual(
            [(b"%d" % number, (place.host, place.port)) for number in range(3)], asker.heard
        )
        own = asking.getHost()
        self.assertEqual({("127.0.0.1", own.port)}, {addr for _, addr in echo.heard})

    async def test_nobody(self) -> None:
        """What is sent to nobody is lost, and nothing is said of it."""
        asker, echo = Hearing(wanted=1), Hearing(echo=True)
        asking = self.listen(asker)
        gone = self.listen(Hearing(), host="127.0.0.3")
        nowhere = gone.getHost()
        await gone.stopListening()
        asking.write(b"lost", (nowhere.host, nowhere.port))
        place = self.listen(echo, host="127.0.0.2").getHost()
        asking.write(b"found", (place.host, place.port))
        await self.until(asker.enough)
        self.assertEqual([b"found"], [datagram for datagram, _ in asker.heard])

    async def test_too_long(self) -> None:
        """A datagram that is longer than what is read is cut."""
        asker, echo = Hearing(), Hearing(wanted=1)
        place = self.listen(echo).getHost()
        self.listen(asker).write(b"x" * 1200, (place.host, place.port))
        await self.until(echo.enough)
        self.assertEqual([1000], [len(datagram) for datagram, _ in echo.heard])

    def test_taken(self) -> None:
        """An address is one socket's; another cannot have it."""
        place = self.listen(Hearing()).getHost()
        self.assertRaises(CannotListenError, self.listen, Hearing(), port=place.port)

    async def test_closed(self) -> None:
        """A closed port tells its protocol once, and its address is free again."""
        protocol = Hearing()
        listening = self.listen(protocol)
        place = listening.getHost()
        await listening.stopListening()
        self.assertEqual(1, protocol.stopped)
        self.listen(Hearing(), port=place.port)
