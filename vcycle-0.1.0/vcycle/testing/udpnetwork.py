"""A network of datagrams in memory, with a clock that moves when a test says so."""

from __future__ import annotations

import itertools
from typing import Any, Callable

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IReactorUDP, IUDPTransport
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import Clock
from zope.interface import implementer

LOCALHOST = "127.0.0.1"
TRAVEL_SECONDS = 0.001
_EPHEMERAL = 32768


@implementer(IListeningPort, IUDPTransport)
class MemoryPort:
    """A bound socket."""

    def __init__(
        self, network: MemoryNetwork, address: tuple[str, int], protocol: DatagramProtocol
    ) -> None:
        self.network = network
        self.address = address
        self.protocol = protocol

    def startListening(self) -> None:
        if self.address in self.network.ports:
            host, port = self.address
            raise CannotListenError(host, port, OSError("address already in use"))
        self.network.ports[self.address] = self
        self.protocol.makeConnection(self)

    def stopListening(self) -> Deferred[None]:
        if self.network.ports.get(self.address) is self:
            del self.network.ports[self.address]
            self.protocol.doStop()
        return succeed(None)

    def getHost(self) -> IPv4Address:
        return IPv4Address("UDP", *self.address)

    def write(self, packet: bytes, addr: tuple[str, int] | None = None) -> None:
        if addr is None:
            raise ValueError("a datagram needs an address")
        self.network.carry(packet, self.address, addr)

    def connect(self, host: str, port: int) -> None:
        raise NotImplementedError("Vcycle never connects a datagram socket")

    def setBroadcastAllowed(self, enabled: bool) -> None:
        raise NotImplementedError("Vcycle never broadcasts")

    def getBroadcastAllowed(self) -> bool:
        return False


@implementer(IReactorUDP)
class MemoryNetwork(Clock):
    """
    Carries datagrams between its own ports, each after TRAVEL_SECONDS; ``lose`` says of one
    whether it is lost, ``refuse`` what the system says of one that cannot be sent.

    As with the real one a datagram longer than the receiver's ``maxPacketSize`` is cut there.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ports: dict[tuple[str, int], MemoryPort] = {}
        self.lose: Callable[[bytes, tuple[str, int]], bool] = lambda datagram, addr: False
        self.refuse: Callable[[tuple[str, int]], OSError | None] = lambda addr: None
        self._sizes: dict[tuple[str, int], int] = {}
        self._numbers = itertools.count(_EPHEMERAL)

    def listenUDP(
        self, port: int, protocol: Any, interface: str = "", maxPacketSize: int = 8192
    ) -> MemoryPort:
        address = (interface or LOCALHOST, port or next(self._numbers))
        made = MemoryPort(self, address, protocol)
        made.startListening()
        self._sizes[address] = maxPacketSize
        return made

    def carry(self, packet: bytes, source: tuple[str, int], addr: tuple[str, int]) -> None:
        """Send a datagram on its way."""
        error = self.refuse(addr)
        if error is not None:
            raise error
        if not self.lose(packet, addr):
            self.callLater(TRAVEL_SECONDS, self._deliver, packet, source, addr)

    def _deliver(self, packet: bytes, source: tuple[str, int], addr: tuple[str, int]) -> None:
        port = self.ports.get(addr)
        if port is not None:
            port.protocol.datagramReceived(packet[: self._sizes[addr]], source)
