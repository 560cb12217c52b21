"""Asking the other factories of a space, over UDP."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Collection, Mapping
from typing import Any, Callable

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IReactorUDP, ISystemHandle
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger
from zope.interface import Interface

from vcycle.core.asking.round import WINDOW, Gathered, Round
from vcycle.core.asking.target import Address
from vcycle.core.asking.window import window_of
from vcycle.core.config.model import Space
from vcycle.core.errors import MalformedQuery, VcycleError
from vcycle.core.vacquery.decode import decode_answer
from vcycle.core.vacquery.encode import encode_query
from vcycle.core.vacquery.messages import MAX_ANSWER, Answer, Kind, Query
from vcycle.core.vacquery.secret import sign, verify
from vcycle.vacquery.names import Names

BUFFER = 16 << 20
"""Bytes of a socket's buffers; one gets less where the system allows no more."""

NAMES_SHARE = 0.5
"""At most this share of a round's time is spent on looking up names."""

_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33  # Linux; Python has no names for them


class IAskingReactor(IReactorTime, IReactorUDP, Interface):
    """What is needed of a reactor: it waits, and it has UDP."""


def enlarge(handle: Any) -> int:
    """Give a socket large buffers, as far as one may; the bytes of that for receiving."""
    for forced, plain in (
        (_SO_RCVBUFFORCE, socket.SO_RCVBUF),
        (_SO_SNDBUFFORCE, socket.SO_SNDBUF),
    ):
        for option in (forced, plain):
            try:
                handle.setsockopt(socket.SOL_SOCKET, option, BUFFER)
                break
            except OSError:
                continue
    size: int = handle.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    return size


class _Asking(DatagramProtocol):
    """Drives one round over one socket; ``done`` fires with what it gathered, always."""

    _log = Logger()
    noisy = False

    def __init__(self, reactor: IReactorTime, begin: Callable[[int], Round]) -> None:
        self._reactor = reactor
        self._begin = begin
        self._round: Round | None = None
        self._timer: IDelayedCall | None = None
        self._soon = False
        self.done: Deferred[Gathered] = Deferred()

    def startProtocol(self) -> None:
        assert self.transport is not None, "Twisted sets it before"
        window = WINDOW
        if ISystemHandle.providedBy(self.transport):
            window = window_of(enlarge(self.transport.getHandle()))
        self._round = self._begin(window)
        # A port must not be closed while it is being opened.
        self._wait(0.0)

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        if self._round is None or self.done.called:
            return
        self._round.received(datagram, addr, self._reactor.seconds())
        if not self._soon:
            # The others that have come by now are read first.
            self._soon = True
            self._wait(0.0)

    def stop(self) -> None:
        """What came until now is all."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self.done.called or self._round is None:
            return
        assert self.transport is not None, "a round has begun"
        self.transport.stopListening()
        self.done.callback(self._round.result())

    def _wait(self, seconds: float) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = self._reactor.callLater(seconds, self._pump)

    def _pump(self) -> None:
        self._soon = False
        if self._round is None or self.done.called:
            return
        try:
            datagrams, wake = self._round.wants(self._reactor.seconds())
            for datagram, address in datagrams:
                self._send(self._round, datagram, address)
        except Exception:
            self._log.failure("a round of questions was given up")
            wake = None
        if wake is None:
            self.stop()
        else:
            self._wait(max(0.0, wake - self._reactor.seconds()))

    def _send(self, asking: Round, datagram: bytes, address: Address) -> None:
        assert self.transport is not None, "a round has begun"
        try:
            self.transport.write(datagram, address)
        except OSError as error:
            asking.unsent(address, error.strerror or str(error))


@define(kw_only=True, eq=False)
class Asker:
    """
    Asks factories on ``port``, from the address ``interface`` ("" for any).

    ``clock`` gives Unix seconds, by which messages are signed; ``salt`` a new secret text for
    each round; ``secret`` a space's shared secret, or None if it has none, and it raises
    VcycleError where that cannot be known.
    """

    reactor: IAskingReactor
    names: Names
    clock: Callable[[], float]
    salt: Callable[[], str]
    secret: Callable[[Space], Awaitable[bytes | None]]
    port: int
    interface: str = ""
    _asking: set[_Asking] = field(factory=set, init=False)

    async def ask(
        self, kind: Kind, space: Space, timeout: float, quiet: Collection[str] = ()
    ) -> Gathered:
        """
        Ask all other factories of a space, for ``timeout`` seconds in all. It never fails.

        Those in ``quiet`` are not waited for that long. Our own factory is not asked.
        """
        others = others_of(space)
        if not others:
            return Gathered()
        if not self.port:
            return Gathered(silent=dict.fromkeys(others, "nobody is asked: vacquery_port is 0"))
        until = self.reactor.seconds() + timeout
        try:
            secret = await self.secret(space)
        except VcycleError as error:
            return Gathered(silent=dict.fromkeys(others, f"nobody is asked: {error}"))
        found = await self.names.find(others, NAMES_SHARE * timeout)
        addresses = {
            name: tuple((host, self.port) for host in hosts) for name, hosts in found.items()
        }
        gathered = await self._run(kind, space, addresses, until, quiet, secret)
        unknown = {
            name: f"its address is not known: {self.names.failure(name)}"
            for name, hosts in found.items()
            if not hosts
        }
        return evolve(gathered, silent={**gathered.silent, **unknown})

    def stop(self) -> None:
        """End all rounds now, with what they have."""
        for asking in tuple(self._asking):
            asking.stop()

    def _run(
        self,
        kind: Kind,
        space: Space,
        addresses: Mapping[str, tuple[Address, ...]],
        until: float,
        quiet: Collection[str],
        secret: bytes | None,
    ) -> Deferred[Gathered]:
        def encode(query: Query) -> bytes:
            datagram = encode_query(query)
            return datagram if secret is None else sign(datagram, secret, self.clock())

        def decode(datagram: bytes) -> Answer:
            signed = secret is not None and verify(datagram, secret, self.clock()) is not None
            if space.vacquery_require_secret and not signed:
                raise MalformedQuery("it is not signed with the space's secret")
            return decode_answer(datagram)

        def begin(window: int) -> Round:
            now = self.reactor.seconds()
            return Round(
                kind,
                space.name,
                addresses,
                salt=self.salt(),
                now=now,
                timeout=max(until - now, 0.0),
                quiet=quiet,
                window=window,
                encode=encode,
                decode=decode,
            )

        asking = _Asking(self.reactor, begin)
        self._asking.add(asking)
        interface = self.interface if ":" not in self.interface else ""
        try:
            self.reactor.listenUDP(0, asking, interface=interface, maxPacketSize=MAX_ANSWER + 1)
        except CannotListenError as error:
            self._asking.discard(asking)
            return succeed(Gathered(silent=dict.fromkeys(addresses, f"no socket to ask: {error}")))
        return asking.done.addBoth(self._over, asking)

    def _over(self, gathered: Gathered, asking: _Asking) -> Gathered:
        self._asking.discard(asking)
        return gathered


def others_of(space: Space) -> tuple[str, ...]:
    """The factories of a space but our own, of which our own records tell more."""
    own = space.factory_name.lower()
    return tuple(name for name in space.factories if name.lower() != own)
