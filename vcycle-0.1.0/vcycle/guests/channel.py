"""One connection of a guest, with an end to everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IDelayedCall, IHalfCloseableProtocol, ITCPTransport
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from zope.interface import implementer

from vcycle.guests.answers import BAD_REQUEST

if TYPE_CHECKING:
    from vcycle.guests.request import GuestRequest
    from vcycle.guests.site import GuestSite

SERVER = b"Vcycle"


@implementer(IHalfCloseableProtocol)
class GuestChannel(HTTPChannel):
    """
    An HTTP/1 connection for one request.

    There is no second request on it, so a connection's bounds are the request's bounds. The
    answer may come before the body is there; what is still sent then is read and dropped,
    within bounds, for a connection closed with unread data can take the answer with it.
    """

    _log = Logger()
    site: GuestSite
    requests: list[GuestRequest]
    transport: Any

    def __init__(self) -> None:
        super().__init__()
        self._timers: list[IDelayedCall] = []
        self._closing = False
        self._silent = False
        self._dropped = 0

    def connectionMade(self) -> None:
        bounds = self.site.bounds
        self.totalHeadersSize = self.MAX_LENGTH = bounds.head_bytes
        self.maxHeaders = bounds.head_lines
        self._head_timer = self._after(bounds.head_seconds)
        self._after(bounds.total_seconds)
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        if self._closing:
            self._dropped += len(data)
            if self._dropped > self.site.bounds.linger_bytes:
                self.cut()
            return
        try:
            super().dataReceived(data)
        except Exception:
            # What a guest sends must not reach the log as an error of ours.
            self._log.debug("dropped a guest's request: {trace}", trace=Failure().getTraceback())
            self.cut()

    def lineReceived(self, line: bytes) -> None:
        # One piece of data may hold more lines than those up to a refusal.
        if not self._closing:
            super().lineReceived(line)

    def rawDataReceived(self, data: bytes) -> None:
        if not self._closing:
            super().rawDataReceived(data)

    def allHeadersReceived(self) -> None:
        """The head is whole: the request may be decided before any of its body is read."""
        if self._head_timer.active():
            self._head_timer.cancel()
        request = self.requests[-1]
        if not request.admit(self._command, self._path, self.length):
            request.requestHeaders.removeHeader(b"Expect")
            self.length = 0
        super().allHeadersReceived()

    def allContentReceived(self) -> None:
        # A body's decoder may still report its end after the request was refused half-way.
        if not self._closing and not self._handlingRequest:
            super().allContentReceived()

    def checkPersistence(self, request: GuestRequest, version: bytes) -> bool:
        return False

    def loseConnection(self) -> None:
        """Send what was written, say that no more will come, and leave the end to the guest."""
        if self._closing or self.transport is None:
            return
        self._closing = True
        self.setTimeout(None)
        self.transport.unregisterProducer()
        if ITCPTransport.providedBy(self.transport) and not self._silent:
            self.transport.loseWriteConnection()
            self._networkProducer.resumeProducing()
        else:
            self.transport.loseConnection()

    def readConnectionLost(self) -> None:
        """The guest sends no more, which some clients say as soon as their request is out."""
        self._silent = True
        if self._closing or not self._handlingRequest:
            self._closing = True
            self.transport.loseConnection()

    def writeConnectionLost(self) -> None:
        """All is sent, however slowly it was read: now the guest has a while to end."""
        self._after(self.site.bounds.linger_seconds)

    def lineLengthExceeded(self, line: bytes) -> None:
        self._respondToBadRequestAndDisconnect()

    def timeoutConnection(self) -> None:
        self.cut()

    def cut(self) -> None:
        """End the connection at once, whatever was still to be sent."""
        self._closing = True
        if self.transport is not None:
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        self._closing = True
        for timer in self._timers:
            if timer.active():
                timer.cancel()
        self.site.crowd.leave(self)
        super().connectionLost(reason)

    def _respondToBadRequestAndDisconnect(self) -> None:
        if not self._closing:
            self.transport.write(
                b"HTTP/1.1 400 Bad Request\r\nServer: %b\r\nConnection: close\r\n"
                b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b"
                % (SERVER, len(BAD_REQUEST.body), BAD_REQUEST.body)
            )
            self.loseConnection()

    def _after(self, seconds: float) -> IDelayedCall:
        """Cut the connection so much later, unless it is over by then."""
        timer: IDelayedCall = self.callLater(seconds, self.cut)
        self._timers.append(timer)
        return timer
