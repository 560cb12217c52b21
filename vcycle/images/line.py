"""The connection of one question: its head is bounded, and it can be cut."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocolFactory, IStreamClientEndpoint
from zope.interface import implementer

MAX_HEAD = 65_536
READ_BYTES = 1 << 18
"""What is taken from a connection at a time: a quarter of the work of Twisted's own size."""


@implementer(IStreamClientEndpoint)
@define(eq=False)
class Line:
    """
    An endpoint that connects once. Until ``headed`` is called, no more than MAX_HEAD bytes may
    come: ``refusal`` says so if more did.
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
        socket = getattr(protocol, "transport", None)
        while getattr(socket, "transport", None) is not None:
            socket = socket.transport  # below TLS
        if hasattr(socket, "bufferSize"):
            socket.bufferSize = READ_BYTES
        receive = protocol.dataReceived

        def received(data: bytes) -> None:
            self._room -= len(data)
            if self._room < 0 and self.refusal is None:
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

    def abort(self) -> None:
        """Cut the connection, whatever is under way."""
        abort = getattr(getattr(self._protocol, "transport", None), "abortConnection", None)
        if abort is not None:
            abort()
