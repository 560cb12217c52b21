"""A server's answer, and its body as it comes."""

from __future__ import annotations

from typing import Any, Callable

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import UNKNOWN_LENGTH

from vcycle.core.errors import FetchError
from vcycle.images.line import Line
from vcycle.images.patience import Patience
from vcycle.images.reasons import reason_of


class Reply:
    """
    ``headers`` are by names in lower case, the last of each; ``length`` is what is announced of
    the body, None if nothing; ``url`` is where it is from in the end.

    It has to be received once, or dropped.
    """

    def __init__(self, response: Any, line: Line, url: str, patience: Patience) -> None:
        line.headed()
        self.status = int(response.code)
        self.headers = {
            name.decode("latin-1").lower(): values[-1].decode("latin-1")
            for name, values in response.headers.getAllRawHeaders()
        }
        self.length = None if response.length is UNKNOWN_LENGTH else int(response.length)
        self.url = url
        self._response = response
        self._line = line
        self._patience = patience
        self._body: _Body | None = None

    def drop(self) -> None:
        """Nothing more of it is wanted."""
        self._line.abort()

    async def receive(self, write: Callable[[bytes], None]) -> bool:
        """
        Give each piece of the body to ``write``, which may raise FetchError; whether it is proven
        that this was all of it: not so where a server just closes the connection at the end.

        :raises FetchError: it was cut off, or took too long, or ``write`` says so.
        """
        self._body = _Body(write, self._line, self._patience)
        self._patience.begin(self._body.fail)
        try:
            self._response.deliverBody(self._body)
            return await self._body.over
        finally:
            self._patience.end()

    def pause(self) -> None:
        """Have nothing more come for now."""
        if self._body is not None and self._body.transport is not None:
            self._patience.rest()
            self._body.transport.pauseProducing()  # type: ignore[attr-defined]

    def resume(self) -> None:
        """Have more come."""
        if self._body is not None and self._body.transport is not None:
            self._patience.heard()
            self._body.transport.resumeProducing()  # type: ignore[attr-defined]


class _Body(Protocol):
    """The body as it comes; ``over`` fires with whether all of it did."""

    def __init__(self, write: Callable[[bytes], None], line: Line, patience: Patience) -> None:
        self._write = write
        self._line = line
        self._patience = patience
        self.over: Deferred[bool] = Deferred(lambda _: self._line.abort())

    def dataReceived(self, data: bytes) -> None:
        if self.over.called:
            return
        self._patience.heard()
        try:
            self._write(data)
        except FetchError as error:
            self.over.errback(error)
            self._line.abort()

    def fail(self, why: str) -> None:
        """It is given up."""
        if not self.over.called:
            self.over.errback(FetchError(why))
            self._line.abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.over.called:
            return
        if reason.check(ResponseDone):
            self.over.callback(True)
        elif reason.check(PotentialDataLoss):
            self.over.callback(False)
        else:
            self.over.errback(FetchError(f"it was cut off: {reason_of(reason.value)}"))
