"""The HTTPS client: one question to a server, redirections followed, and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from attrs import define, frozen
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.web.client import URI, Agent, ProxyAgent
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from vcycle.core.errors import FetchError
from vcycle.core.images.address import Address, parse, redirected
from vcycle.core.images.proxies import Proxies, Proxy
from vcycle.images.line import Line
from vcycle.images.patience import Patience
from vcycle.images.peer import Peer
from vcycle.images.reasons import reason_of
from vcycle.images.reply import Reply
from vcycle.images.trust import Trust
from vcycle.images.tunnel import TunnelEndpoint

MAX_REDIRECTIONS = 5
REDIRECTIONS = (301, 302, 303, 307, 308)

Connect = Callable[[str, int, float], IStreamClientEndpoint]
"""Where to connect to, by host, port and the seconds it may take, if not as everybody does."""


@frozen(kw_only=True)
class Ways:
    """How servers are reached: as what, through which proxies, and whether without TLS too."""

    agent: str
    proxies: Proxies = Proxies()
    allow_http: bool = False


@define(eq=False)
class Client:
    """
    Asks servers. ``clock`` is what waits are measured by; ``reactor`` connects.

    A connection is used for one question: files are few, and a stale connection is no news.
    """

    reactor: Any
    clock: IReactorTime
    trust: Trust
    ways: Ways
    connect: Connect | None = None

    async def ask(self, url: str, headers: Mapping[str, str], patience: Patience) -> Reply:
        """
        GET, once for each redirection; the reply has to be received, or dropped.

        :raises FetchError: there is no answer; the text says why. It does not name the address.
        """
        ways = self.ways
        address = parse(url, allow_http=ways.allow_http)
        for _ in range(MAX_REDIRECTIONS + 1):
            reply = await self._ask(address, headers, patience, ways)
            if reply.status not in REDIRECTIONS:
                return reply
            reply.drop()
            location = reply.headers.get("location")
            address = redirected(address, location, allow_http=ways.allow_http)
        raise FetchError(f"more than {MAX_REDIRECTIONS} redirections, the last to {address.url}")

    async def _ask(
        self, address: Address, headers: Mapping[str, str], patience: Patience, ways: Ways
    ) -> Reply:
        peer = None
        if address.scheme == "https":
            peer = Peer(address.host, await self.trust.context())
        proxy = ways.proxies.of(address)
        told = {"User-Agent": ways.agent, "Accept": "*/*", "Accept-Encoding": "identity", **headers}
        if proxy is not None and proxy.authorization is not None and peer is None:
            told["Proxy-Authorization"] = proxy.authorization
        line = self._line(address, proxy, peer, patience.waits.connect)
        expired: list[str] = []

        def give_up(why: str) -> None:
            expired.append(why)
            asking.cancel()

        asking = _agent(self.reactor, line, absolute=proxy is not None and peer is None).request(
            b"GET",
            address.url.encode("ascii"),
            Headers({name: [value] for name, value in told.items()}),
        )
        patience.begin(give_up)
        try:
            response = await asking
        except Exception as error:
            line.abort()
            refusal = line.refusal or (None if peer is None else peer.refusal)
            why = expired[0] if expired else refusal or reason_of(error)
            raise FetchError(why) from error
        finally:
            patience.end()
        return Reply(response, line, address.url, patience)

    def _line(
        self, address: Address, proxy: Proxy | None, peer: Peer | None, seconds: float
    ) -> Line:
        host, port = (address.host, address.port) if proxy is None else (proxy.host, proxy.port)
        endpoint: Any
        if self.connect is not None:
            endpoint = self.connect(host, port, seconds)
        else:
            endpoint = HostnameEndpoint(self.reactor, host, port, timeout=seconds)
        if peer is not None:
            if proxy is not None:
                endpoint = TunnelEndpoint(endpoint, proxy, address.hostport, self.ways.agent)
            endpoint = wrapClientTLS(peer, endpoint)
        return Line(endpoint)


def _agent(reactor: Any, line: Line, absolute: bool) -> Any:
    if absolute:
        return ProxyAgent(line, reactor)
    return Agent.usingEndpointFactory(reactor, _Always(line))


@implementer(IAgentEndpointFactory)
@frozen
class _Always:
    """One line for whatever is asked."""

    line: Line

    def endpointForURI(self, uri: URI) -> Line:
        return self.line
