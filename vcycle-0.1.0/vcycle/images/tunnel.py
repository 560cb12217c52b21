"""A connection through an HTTP proxy, by CONNECT, as an endpoint."""

from __future__ import annotations

import re
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from vcycle.core.errors import FetchError
from vcycle.core.images.proxies import Proxy
from vcycle.images.reasons import reason_of

MAX_HEAD = 16_384
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})([ -~]{0,100})")


@implementer(IStreamClientEndpoint)
@define(eq=False)
class TunnelEndpoint:
    """Connects to ``hostport`` through ``proxy``, which ``endpoint`` connects to."""

    endpoint: IStreamClientEndpoint
    proxy: Proxy
    hostport: str
    agent: str

    def connect(self, factory: IProtocolFactory) -> Deferred[Any]:
        """Fires with the protocol of ``factory``, or a FetchError if the proxy refuses."""
        tunnel = _Tunnel(self, factory)
        self.endpoint.connect(Factory.forProtocol(lambda: tunnel)).addErrback(tunnel.fail)
        return tunnel.opened

    def request(self) -> bytes:
        """What the proxy is asked."""
        lines = [
            f"CONNECT {self.hostport} HTTP/1.1",
            f"Host: {self.hostport}",
            f"User-Agent: {self.agent}",
        ]
        if self.proxy.authorization is not None:
            lines.append(f"Proxy-Authorization: {self.proxy.authorization}")
        return "\r\n".join([*lines, "", ""]).encode("ascii")


class _Tunnel(Protocol):
    """Speaks with the proxy until the way is open; from then on it only hands on."""

    def __init__(self, endpoint: TunnelEndpoint, factory: IProtocolFactory) -> None:
        self._endpoint = endpoint
        self._factory = factory
        self._head = b""
        self._inner: Any = None
        self.opened: Deferred[Any] = Deferred(lambda _: self._abort())

    def connectionMade(self) -> None:
        if self.opened.called:
            self._abort()
        else:
            self._write(self._endpoint.request())

    def dataReceived(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.dataReceived(data)
            return
        self._head += data
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if end:
            self._answered(head, rest)
        elif len(self._head) > MAX_HEAD:
            self._refused("does not answer as a proxy does")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._inner is not None:
            self._inner.connectionLost(reason)
        else:
            self._refused("closed the connection")

    def fail(self, why: Failure) -> None:
        """The proxy was not reached."""
        self._refused(f"is not reached: {reason_of(why.value)}")

    def _answered(self, head: bytes, rest: bytes) -> None:
        status = _STATUS.match(head)
        if status is None or self.opened.called:
            self._refused("does not answer as a proxy does")
        elif status[1][:1] != b"2":
            words = (status[1] + status[2].rstrip()).decode("ascii")
            self._refused(f"refuses a connection to {self._endpoint.hostport}: {words}")
        else:
            self._inner = self._factory.buildProtocol(None)  # type: ignore[arg-type]
            self._inner.makeConnection(self.transport)
            self.opened.callback(self._inner)
            if rest:
                self._inner.dataReceived(rest)

    def _refused(self, why: str) -> None:
        if not self.opened.called:
            self.opened.errback(FetchError(f"{self._endpoint.proxy} {why}"))
        self._abort()

    def _write(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)

    def _abort(self) -> None:
        abort = getattr(self.transport, "abortConnection", None)
        if abort is not None:
            abort()
