"""A guest's side of one connection, in memory."""

from __future__ import annotations

from http.client import HTTPResponse
from io import BytesIO

from attrs import define, evolve, field
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import alsoProvides

from tests.guests.sample import RECORD
from vcycle.guests.bounds import Bounds
from vcycle.guests.channel import GuestChannel
from vcycle.guests.site import GuestSite, make_site
from vcycle.testing.guestbook import MemoryGuestBook

OWN, OTHER, STRANGER = "169.254.169.1", "169.254.169.2", "169.254.169.77"
NEIGHBOUR = evolve(RECORD, uuid="n", name="factory1-02.example.com", address=OTHER, secret="c" * 32)


class _Transport(StringTransport):
    """Tells its protocol of the end, as a reactor would."""

    protocol: GuestChannel

    def loseConnection(self) -> None:
        if self.connected:
            super().loseConnection()
            self.connected = False
            self.protocol.connectionLost(Failure(ConnectionDone()))


class _Slow(_Transport):
    """A TCP transport that has sent nothing until its test says so."""

    ended = False

    def loseWriteConnection(self) -> None:
        self.ended = True

    def setTcpNoDelay(self, enabled: object) -> None:
        pass


@define
class Reply:
    """An answer, taken apart by the standard library's client."""

    status: int
    headers: dict[str, str]
    body: bytes


@define
class Connection:
    """``send`` what a guest would; ``reply`` is the first answer since."""

    transport: _Transport
    channel: GuestChannel

    @property
    def open(self) -> bool:
        return self.transport.connected

    def send(self, data: bytes, piece: int = 65536) -> Connection:
        for start in range(0, len(data), piece):
            if self.open:
                self.channel.dataReceived(data[start : start + piece])
        return self

    @property
    def raw(self) -> bytes:
        return bytes(self.transport.value())

    def reply(self, method: str = "GET") -> Reply:
        class Socket:
            def makefile(_, mode: str) -> BytesIO:
                return BytesIO(self.raw)

        response = HTTPResponse(Socket(), method=method)  # type: ignore[arg-type]
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, headers, response.read())


@define
class World:
    """A site with two machines, and the clock that it lives by."""

    bounds: Bounds = field(factory=Bounds)
    features_base: str | None = None
    clock: Clock = field(factory=Clock)
    book: MemoryGuestBook = field(init=False)
    site: GuestSite = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.book = MemoryGuestBook(
            records={RECORD.uuid: RECORD, NEIGHBOUR.uuid: NEIGHBOUR},
            templates={RECORD.uuid: b"#!/bin/sh\n\xff", NEIGHBOUR.uuid: b"neighbour's"},
            options={"rack": "r7"},
        )
        self.site = make_site(
            self.book, self.clock, bounds=self.bounds, features_base=self.features_base
        )

    def connect(self, address: str = OWN, slow: bool = False) -> Connection | None:
        """A new connection, ``slow`` if nothing is read from it; None if it was refused."""
        peer = IPv4Address("TCP", address, 40000)
        channel = self.site.buildProtocol(peer)
        if channel is None:
            return None
        transport = (_Slow if slow else _Transport)(IPv4Address("TCP", "169.254.169.254", 80), peer)
        if slow:
            alsoProvides(transport, ITCPTransport)
        transport.protocol = channel
        channel.makeConnection(transport)
        return Connection(transport, channel)

    def ask(self, data: bytes, address: str = OWN, method: str = "GET") -> Reply:
        """The answer to one request on a connection of its own."""
        connection = self.connect(address)
        assert connection is not None, "refused"
        return connection.send(data).reply(method)

    def get(self, path: str, address: str = OWN) -> Reply:
        return self.ask(b"GET %b HTTP/1.1\r\nHost: md\r\n\r\n" % path.encode(), address)

    def put(self, path: str, body: bytes, address: str = OWN) -> Reply:
        head = b"PUT %b HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(body))
        return self.ask(head + body, address, "PUT")
