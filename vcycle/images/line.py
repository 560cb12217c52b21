"""The connection of one question: its head is bounded, and it can be cut."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocolFactory, IStreamClientEndpoint
from zope.interface import implementer

from vcycle.core.errors import FetchError

MAX_HEAD = 65_536
READ_BYTES = 1 << 18
"""What is taken of a body at a time, four times as much as Twisted does by itself."""


@implementer(IStreamClientEndpoint)
@define(eq=False)
class Line:
    """
    An endpoint that connects once, and to no link-local address: what a name or a redirection of
    somebody else's leads to must not be this host's own metadata. After MAX_HEAD bytes ``headed``
    must have been called: ``refusal`` says so if it was not.
    """

    _endpoint: Any
    refusal: str | None = field(default=None, init=False)
    _protocol: Any = field(default=None, init=False)
    _room: int = field(default=MAX_HEAD, init=False)

    def connect(self, factory: IProtocolFactory) -> Deferred[Any]:
        connecting: Deferred[Any] = self._endpoint.connect(factory)
        return connecting.addCallback(self._connected)

    def _connected(self, protocol: Any) -> Any:
        self._protocol = protocol
        there = _host(protocol)
        if there is not None and there.is_link_local:
            self.abort()
            raise FetchError(f"it is at {there}, where only this host's own metadata service is")
        receive = protocol.dataReceived

        def received(data: bytes) -> None:
            # With the head's end there may come as much of the body as is read at a time.
            full, self._room = self._room < 0, self._room - len(data)
            if full and self.refusal is None:
                self.refusal = f"its headers are longer than {MAX_HEAD} bytes"
                self.abort()
            elif self.refusal is None:
                receive(data)

        # It stands before the class's own until the head is there, and costs nothing after.
        protocol.dataReceived = received
        return protocol

    def headed(self) -> None:
        """The head is there; bodies are bounded by who receives them."""
        if self._protocol is not None:
            vars(self._protocol).pop("dataReceived", None)
        socket: Any = getattr(self._protocol, "transport", None)
        while getattr(socket, "transport", None) is not None:
            socket = socket.transport  # what is below TLS
        if hasattr(socket, "bufferSize"):
            socket.bufferSize = READ_BYTES

    def abort(self) -> None:
        """Cut the connection, whatever is under way; one that has ended is no error."""
        transport = getattr(self._protocol, "transport", None)
        while transport is not None:
            # TLS that has just ended does not hand it on to what is below, and raises.
            with suppress(AttributeError):
                transport.abortConnection()
                return
            transport = getattr(transport, "transport", None)


def _host(protocol: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Where a connection leads to; None where that is no address."""
    tell = getattr(protocol.transport, "getPeer", None)
    host = "" if tell is None else getattr(tell(), "host", "")
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
