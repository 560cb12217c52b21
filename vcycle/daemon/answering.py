"""The responder as a service: it listens as soon as it can, and answers what was published."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Callable

from attrs import asdict, frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IDelayedCall, IListeningPort
from twisted.logger import Logger

from vcycle.core.config.model import Space
from vcycle.core.errors import VcycleError
from vcycle.core.snapshot import Snapshot
from vcycle.core.vacquery.bodies import Bodies, bodies
from vcycle.core.vacquery.facts import FactoryFacts
from vcycle.core.vacquery.messages import MAX_QUERY
from vcycle.core.vacquery.secret import Seen
from vcycle.daemon import events, host
from vcycle.daemon.hypervisors import IDaemonReactor
from vcycle.daemon.secretfile import read_secret
from vcycle.interfaces import RunInThread
from vcycle.vacquery.limits import Audience, Rates, networks
from vcycle.vacquery.responder import Desk, Responder

AGAIN_SECONDS = 30.0
"""How long after a refusal it is tried again to listen."""

SWITCH_SECONDS = 0.001
"""How long a thread that computes keeps the reactor waiting at each datagram, in and out."""

HEART = "responder"

PACKET = 2 * MAX_QUERY
"""Bytes that are read of a datagram: enough to see that it is too long."""


@frozen
class _Made:
    """What a thread made of a snapshot; ``refusal`` is why its secret cannot be used."""

    bodies: Bodies
    secret: bytes | None
    refusal: str | None


class Answering(Service):
    """
    Answers other factories at ``interface``:``port`` of UDP; with port 0 nobody.

    ``look`` gives what a factory tells of its host; it is called in a thread, and so are the
    answers made: readers get those of the snapshot before until the new ones are there.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: IDaemonReactor,
        port: int,
        interface: str,
        *,
        in_thread: RunInThread,
        clock: Callable[[], float],
        look: Callable[[Snapshot], FactoryFacts],
    ) -> None:
        self._reactor = reactor
        self._port = port
        self._interface = interface
        self._in_thread = in_thread
        self._look = look
        self._responder = Responder(reactor, clock)
        self._listening: IListeningPort | None = None
        self._again: IDelayedCall | None = None
        self._refusal: str | None = None
        self._waiting: dict[str, Snapshot] = {}
        self._published: set[str] = set()
        self._making = False
        self._addresses: dict[str, frozenset[str]] = {}
        self._refused: dict[str, str | None] = {}

    @property
    def listening(self) -> bool:
        """Are queries heard?"""
        return self._listening is not None

    def answers(self, space: str) -> bool:
        """Are queries about a space heard, and answered?"""
        return self.listening and self._responder.desk(space) is not None

    def remarks(self, space: str) -> tuple[str, ...]:
        """Why nobody is answered about a space, though queries are heard."""
        refusal = self._refused.get(space)
        return () if refusal is None else (_unanswered(refusal),)

    @property
    def busy(self) -> bool:
        """Are answers being made?"""
        return self._making

    @property
    def counts(self) -> Mapping[str, int]:
        """Datagrams that came and went since the start, by what became of them."""
        return asdict(self._responder.counts)

    def hearts(self) -> tuple[str, ...]:
        """Whose heartbeat is to be written with each cycle."""
        return (HEART,) if self.listening else ()

    def startService(self) -> None:
        super().startService()
        if self._port:
            sys.setswitchinterval(min(SWITCH_SECONDS, sys.getswitchinterval()))
            self._listen()

    def stopService(self) -> Deferred[None]:
        super().stopService()
        if self._again is not None:
            self._again.cancel()
            self._again = None
        listening, self._listening = self._listening, None
        if listening is None:
            return succeed(None)
        return maybeDeferred(listening.stopListening).addCallback(lambda _: None)

    def know(self, space: str, addresses: Iterable[str]) -> None:
        """The addresses of a space's factories, as they are now."""
        self._addresses[space] = frozenset(addresses)
        desk = self._responder.desk(space)
        if desk is not None:
            desk.audience = Audience(self._addresses[space], desk.audience.allowed)
            self._responder.seat(space, desk)

    def publish(self, snapshot: Snapshot) -> None:
        """From now on this is what the space answers; nothing is done where nobody is answered."""
        if not self._port:
            return
        self._published.add(snapshot.space.name)
        self._waiting[snapshot.space.name] = snapshot
        if not self._making:
            Deferred.fromCoroutine(self._make())

    def withdraw(self, space: str) -> None:
        """The space is no more."""
        self._published.discard(space)
        self._waiting.pop(space, None)
        self._addresses.pop(space, None)
        self._refused.pop(space, None)
        self._responder.unseat(space)

    def _listen(self) -> None:
        self._again = None
        where = f"{self._interface or 'all addresses'}, UDP port {self._port}"
        try:
            self._listening = self._reactor.listenUDP(
                self._port, self._responder, interface=self._interface, maxPacketSize=PACKET
            )
        except CannotListenError as error:
            reason = _reason(error.socketError, self._port)
            if reason != self._refusal:
                events.not_answering(where, reason)
            self._refusal = reason
            self._again = self._reactor.callLater(AGAIN_SECONDS, self._listen)
            return
        self._refusal = None
        events.answering(where)

    async def _make(self) -> None:
        self._making = True
        try:
            while self._waiting:
                name = next(iter(self._waiting))
                snapshot = self._waiting.pop(name)
                try:
                    made = await self._in_thread(lambda: self._made(snapshot))  # noqa: B023
                except VcycleError as error:
                    # The next snapshot tries again.
                    self._log.debug("{space}: no answers: {error}", space=name, error=error)
                    continue
                except Exception:
                    self._log.failure("{space}: no answers could be made", space=name)
                    continue
                if name in self._published:  # and was not withdrawn meanwhile
                    self._seat(snapshot.space, made)
        finally:
            self._making = False

    def _made(self, snapshot: Snapshot) -> _Made:
        """In a thread."""
        path, secret, refusal = snapshot.space.vacquery_secret_file, None, None
        if path is not None:
            try:
                secret = read_secret(path)
            except VcycleError as error:
                refusal = str(error)
        return _Made(bodies(snapshot, self._look(snapshot)), secret, refusal)

    def _seat(self, space: Space, made: _Made) -> None:
        """What should be signed is not told unsigned: without its secret a space is silent."""
        if made.refusal is not None and made.refusal != self._refused.get(space.name):
            events.alarmed(space.name, _unanswered(made.refusal))
        self._refused[space.name] = made.refusal
        if made.refusal is not None:
            self._responder.unseat(space.name)
            return
        desk = self._responder.desk(space.name)
        audience = Audience(
            self._addresses.get(space.name, frozenset()), networks(space.query_allow)
        )
        if desk is None or desk.rates.rate != space.query_rate:
            desk = Desk(
                audience, Rates(space.query_rate), seen=Seen() if desk is None else desk.seen
            )
        desk.audience, desk.bodies = audience, made.bodies
        desk.secret, desk.required = made.secret, space.vacquery_require_secret
        self._responder.seat(space.name, desk)


def facts_of(
    state_dir: str,
    clock: Callable[[], float],
    serving: Mapping[str, Callable[[], bool]],
    snapshot: Snapshot,
) -> FactoryFacts:
    """What is told of the host beside a snapshot; ``serving`` says of spaces if machines are."""
    name = snapshot.space.name
    return host.facts(state_dir, name, clock(), name in serving and serving[name]())


def _unanswered(refusal: str) -> str:
    return f"nobody is answered: {refusal}"


def _reason(error: OSError, port: int) -> str:
    text = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"{text}: ports below 1024 are root's: start as root, give CAP_NET_BIND_SERVICE, or"
            " set vacquery_port to the same higher port in the whole space"
        )
    if error.errno == errno.EADDRINUSE:
        return f"{text}: stop what listens at UDP port {port}, or set another vacquery_port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{text}: vacquery_interface must be an address of this host"
    return text
