"""The web server of those who watch: few connections, small requests, no log."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

CONNECTIONS = 160
"""At one time; the eldest that is asking for nothing makes place for one more."""

IDLE_SECONDS = 30


class _Request(Request):
    """A request whose body, which nothing here has a use for, is not kept."""

    channel: _Channel

    def gotLength(self, length: int | None) -> None:
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        self.channel.abortConnection()

    def process(self) -> None:
        self.channel.asked = True
        super().process()


class _Channel(HTTPChannel):
    """A connection that the site counts."""

    asked = False
    crowd: dict[Any, None]
    transport: Any

    def connectionMade(self) -> None:
        self.crowd[self] = None
        super().connectionMade()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.crowd.pop(self, None)
        super().connectionLost(reason)

    def requestDone(self, request: Any) -> None:
        self.asked = False
        super().requestDone(request)

    def abortConnection(self) -> None:
        """End the connection at once."""
        self.crowd.pop(self, None)
        if self.transport is not None:
            self.transport.abortConnection()


class WatchingSite(Site):
    """Serves a resource to whoever reaches the port."""

    noisy = False
    protocol = _Channel  # type: ignore[assignment]

    def __init__(self, reactor: IReactorTime, resource: Resource) -> None:
        super().__init__(resource, requestFactory=_Request, timeout=IDLE_SECONDS, reactor=reactor)
        self._crowd: dict[Any, None] = {}

    def buildProtocol(self, addr: IAddress | None) -> Any:
        if len(self._crowd) >= CONNECTIONS:
            idle = next((channel for channel in self._crowd if not channel.asked), None)
            if idle is None:
                return None
            idle.abortConnection()
        channel: Any = super().buildProtocol(addr)
        channel.crowd = self._crowd
        return channel

    def startFactory(self) -> None:
        """Nothing: there is no access log to be kept ready for."""

    def stopFactory(self) -> None:
        """Nobody is left connected."""
        for channel in list(self._crowd):
            channel.abortConnection()

    def log(self, request: Any) -> None:
        """Nothing: who asks each few seconds must not fill the log."""
