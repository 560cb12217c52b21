"""The machines' web server as a service that listens as soon as it can, and goes on trying."""

from __future__ import annotations

import errno
from typing import Any, Callable

from twisted.application.service import Service
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IReactorTCP
from twisted.internet.protocol import ServerFactory

from vcycle.daemon import events

WELL_KNOWN = "http://169.254.169.254"
HTTP_PORT = 80
SLIRP_HOST = "10.0.2.2"
"""Where a guest with user networking finds its host's loopback interface."""

_CURES = {
    errno.EADDRINUSE: "; stop what listens there (ss -ltnp), or set another guest_http_port",
    errno.EACCES: "; give the daemon CAP_NET_BIND_SERVICE, or set a guest_http_port above 1023",
}


def _told(error: object) -> str:
    """Why the system lets nobody listen, and the cure where there is one."""
    if not isinstance(error, OSError):
        return str(error)
    return f"{error.strerror or error}{_CURES.get(error.errno or 0, '')}"


class GuestServer(Service):
    """
    Listens at ``interface``:``port``, which for a network of libvirt's exists only once the
    network does. ``user_networking`` tells how machines reach it. Where the port is 0 the
    ``favourite`` is tried before any other: machines of an earlier daemon were told it.
    """

    def __init__(
        self,
        reactor: IReactorTCP,
        factory: ServerFactory[Any],
        interface: str,
        port: int,
        *,
        user_networking: bool,
        clock: Callable[[], float],
        favourite: int = 0,
    ) -> None:
        self._reactor = reactor
        self._favourite = favourite
        self._factory = factory
        self._interface = interface
        self._port = port
        self._user_networking = user_networking
        self._clock = clock
        self._listening: IListeningPort | None = None
        self._refusal: str | None = None
        self.since: float | None = None

    def ensure(self, quietly: bool = False) -> str | None:
        """Listen if not yet listening; why that cannot be, or None; the operator is told."""
        if self._listening is not None or not self.running:
            return None if self.running else "the daemon is stopping"
        try:
            self._listening = self._listen()
        except CannotListenError as error:
            reason = _told(error.socketError)
            text = f"machines cannot be served at {self._interface}:{self._port}: {reason}"
            if not quietly:
                if text != self._refusal:
                    events.not_serving(f"{self._interface}:{self._port}", reason)
                self._refusal = text
            return text
        self._refusal = None
        self.since = self._clock()
        events.serving(f"http://{self._interface}:{self.port}")
        return None

    def _listen(self) -> IListeningPort:
        if self._port == 0 and self._favourite:
            try:
                return self._reactor.listenTCP(
                    self._favourite, self._factory, interface=self._interface
                )
            except CannotListenError as error:
                events.alarmed(self._interface, f"{error}; machines of an earlier start miss it")
        return self._reactor.listenTCP(self._port, self._factory, interface=self._interface)

    @property
    def port(self) -> int:
        """The port as the system gave it, once it listens."""
        address = None if self._listening is None else self._listening.getHost()
        return address.port if isinstance(address, IPv4Address) else self._port

    def metadata_url(self, secret: str) -> str | None:
        """Where a machine of this secret finds its metadata; None for the well-known address."""
        host = SLIRP_HOST if self._user_networking else self._interface
        base = f"http://{host}" if self.port == HTTP_PORT else f"http://{host}:{self.port}"
        if base == WELL_KNOWN and not self._user_networking:
            return None
        return f"{base}/machine/{secret}"

    def stopService(self) -> Deferred[None]:
        super().stopService()
        listening, self._listening = self._listening, None
        if listening is None:
            return succeed(None)
        return maybeDeferred(listening.stopListening).addCallback(lambda _: None)
