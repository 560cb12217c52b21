"""An HTTP proxy on the loopback that knows CONNECT and plain requests."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

PATIENCE = 5.0
"""Seconds until a connection is over that was cut."""


class Proxy:
    """``heads`` are the requests that came; ``answer`` is given instead of a connection."""

    def __init__(self, reactor: Any, answer: bytes | None = None) -> None:
        self.heads: list[str] = []
        self.answer = answer
        self.reactor = reactor
        self.open: dict[Any, Deferred[None]] = {}
        self._port = reactor.listenTCP(
            0, Factory.forProtocol(lambda: _Inside(self)), interface="127.0.0.1"
        )
        self.address = f"http://127.0.0.1:{self._port.getHost().port}"

    async def stop(self) -> None:
        """Listen no more, and cut all connections."""
        await maybeDeferred(self._port.stopListening)
        for transport, over in list(self.open.items()):
            transport.abortConnection()
            await over.addTimeout(PATIENCE, self.reactor)


class _Noted(Protocol):
    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._over: Deferred[None] = Deferred()
        self.peer: Protocol | None = None

    def connectionMade(self) -> None:
        self._proxy.open[self.transport] = self._over

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        del self._proxy.open[self.transport]
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.loseConnection()
        self._over.callback(None)

    def dataReceived(self, data: bytes) -> None:
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.write(data)


class _Inside(_Noted):
    """The client's end."""

    _head = b""

    def dataReceived(self, data: bytes) -> None:
        if self.peer is not None:
            super().dataReceived(data)
            return
        self._head += data
        head, end, _ = self._head.partition(b"\r\n\r\n")
        if end:
            self._asked(head)

    def _asked(self, head: bytes) -> None:
        assert self.transport is not None, "it is connected"
        self._proxy.heads.append(head.decode("ascii"))
        if self._proxy.answer is not None:
            self.transport.write(self._proxy.answer)
            return
        method, target, _ = head.split(b"\r\n")[0].decode("ascii").split(" ")
        hostport = target if method == "CONNECT" else target.split("/")[2]
        host, _, port = hostport.rpartition(":")
        self.transport.pauseProducing()  # type: ignore[attr-defined]
        outside = _Noted(self._proxy)
        endpoint = HostnameEndpoint(self._proxy.reactor, host, int(port))
        connected = connectProtocol(endpoint, outside)

        def pipe(_: object) -> None:
            self.peer, outside.peer = outside, self
            assert self.transport is not None and outside.transport is not None, "connected"
            if method == "CONNECT":
                self.transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                outside.transport.write(head.replace(b"http://" + hostport.encode(), b"", 1))
                outside.transport.write(b"\r\n\r\n")
            self.transport.resumeProducing()  # type: ignore[attr-defined]

        connected.addCallback(pipe)
