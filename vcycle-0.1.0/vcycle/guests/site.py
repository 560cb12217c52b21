"""The web server that machines see."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPFactory

from vcycle.guests.bounds import Bounds
from vcycle.guests.channel import GuestChannel
from vcycle.guests.crowd import Crowd
from vcycle.guests.request import GuestRequest
from vcycle.guests.spool import Spool
from vcycle.interfaces import IGuestBook


class GuestSite(HTTPFactory):
    """
    A factory of connections that serve each machine its own tree and nothing else.

    A machine's tree is at the root for a caller whose address is the machine's, and below
    ``/machine/<secret>`` for one who knows its secret. ``features_base``, if set, is the
    address that machines known by their address are told of for features and outputs.
    """

    _log = Logger()
    noisy = False
    protocol = GuestChannel  # type: ignore[assignment]

    def __init__(
        self,
        book: IGuestBook,
        reactor: IReactorTime,
        bounds: Bounds,
        spool: Spool,
        features_base: str | None = None,
    ) -> None:
        super().__init__(timeout=bounds.idle_seconds, reactor=reactor)
        self.book = book
        self.bounds = bounds
        self.spool = spool
        self.features_base = features_base
        self.crowd = Crowd(bounds.connections, bounds.connections_per_machine)

    def buildProtocol(self, addr: IAddress | None) -> Any:
        channel: Any = super().buildProtocol(addr)
        channel.requestFactory = GuestRequest
        channel.site = self
        if not self.crowd.enter(channel):
            return None
        try:
            host = getattr(addr, "host", None)
            record = None if host is None else self.book.by_address(host)
        except Exception:
            self._log.debug("the guest book failed: {trace}", trace=Failure().getTraceback())
            record = None
        if record is not None and not self.crowd.introduce(channel, record.uuid):
            self.crowd.leave(channel)
            return None
        return channel

    def startFactory(self) -> None:
        """Nothing: there is no access log, whose lines guests would write."""

    def stopFactory(self) -> None:
        """Cut all connections; a body that is whole is still kept."""
        for caller in self.crowd.members():
            caller.cut()

    def log(self, request: object) -> None:
        """Nothing, as ``startFactory``."""


def make_site(
    book: IGuestBook,
    reactor: IReactorTime,
    *,
    bounds: Bounds | None = None,
    spool_directory: str | None = None,
    features_base: str | None = None,
) -> GuestSite:
    """
    The guests' web server, to be listened with on as many addresses as is wanted.

    ``spool_directory`` holds bodies on their way (unnamed files, so none is ever left there).
    """
    bounds = bounds or Bounds()
    spool = Spool(bounds.spooled_bytes, bounds.memory_bytes, spool_directory)
    return GuestSite(book, reactor, bounds, spool, features_base)
