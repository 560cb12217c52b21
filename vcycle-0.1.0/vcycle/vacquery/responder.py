"""Answers VacQuery datagrams from what was last published."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any, Callable

from attrs import Factory, define, field
from twisted.internet.interfaces import IReactorTime, ISystemHandle
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger, LogLevel

from vcycle.core.errors import MalformedQuery
from vcycle.core.vacquery.bodies import Bodies
from vcycle.core.vacquery.encode import head
from vcycle.core.vacquery.frames import Frames
from vcycle.core.vacquery.messages import Kind
from vcycle.core.vacquery.secret import Seen, sign, verify
from vcycle.vacquery.limits import Audience, Rates
from vcycle.vacquery.outbox import Outbox, Reply, Write

MOST_HOSTS = 4096
"""Addresses of which is remembered whether they are answered."""

BUFFER = 4 << 20
"""Bytes of socket buffers to ask for: a burst of queries must not be lost while we are busy."""


@define(eq=False)
class Desk:
    """
    What one space answers, and to whom.

    With a ``secret`` what is signed must be signed well, and gets signed answers; if that is
    ``required`` nothing else is answered. Before the first ``bodies`` nothing is.
    """

    audience: Audience
    rates: Rates
    bodies: Bodies = Factory(Bodies)
    secret: bytes | None = field(default=None, repr=False)
    required: bool = False
    seen: Seen = Factory(Seen)


@define
class Counts:
    """What came and went since the start: datagrams."""

    queries: int = 0
    answers: int = 0
    strangers: int = 0
    malformed: int = 0
    limited: int = 0
    unsigned: int = 0
    dropped: int = 0


class Responder(DatagramProtocol):
    """
    Strangers, and what is no query, get silence: nobody can have others flooded through us.

    ``clock`` gives Unix seconds. ``seat`` and ``unseat`` say what it answers; a query costs no
    file, lock or deferred.
    """

    _log = Logger()

    def __init__(self, reactor: IReactorTime, clock: Callable[[], float]) -> None:
        self.counts = Counts()
        self._reactor = reactor
        self._clock = clock
        self._desks: dict[str, Desk] = {}
        self._admitted: dict[str, Mapping[str, bool]] = {}
        self._frames = Frames()
        self._outbox = Outbox(reactor)

    def seat(self, space: str, desk: Desk) -> None:
        """From now on the space is answered for by this desk."""
        self._desks[space] = desk
        self._admitted.clear()

    def unseat(self, space: str) -> None:
        """The space is not answered for any more."""
        self._desks.pop(space, None)
        self._admitted.clear()

    def desk(self, space: str) -> Desk | None:
        """The space's desk; after its audience is changed it must be seated again."""
        return self._desks.get(space)

    def startProtocol(self) -> None:
        assert self.transport is not None, "Twisted sets it before"
        write: Write = self.transport.write
        if ISystemHandle.providedBy(self.transport):
            handle: Any = self.transport.getHandle()
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                handle.setsockopt(socket.SOL_SOCKET, option, BUFFER)
            # Twisted examines the address of every datagram; ours come from the system itself.
            write = handle.sendto
        self._outbox.open(write)

    def stopProtocol(self) -> None:
        self._outbox.close()

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        try:
            admitted = self._admitted.get(addr[0])
            if admitted is None:
                admitted = self._admit(addr[0])
            if not admitted:
                self.counts.strangers += 1
                return
            kind, space, cookie = self._frames.decode(datagram)
            limited = admitted.get(space)
            if limited is None:
                self.counts.strangers += 1
                return
            self.counts.queries += 1
            self._answer(self._desks[space], kind, cookie, datagram, addr, limited)
        except MalformedQuery as refusal:
            self.counts.malformed += 1
            self._log.debug("ignored query from {host}: {refusal}", host=addr[0], refusal=refusal)
        except Exception:
            self.counts.dropped += 1
            self._log.failure(
                "a query from {host} could not be answered", host=addr[0], level=LogLevel.debug
            )

    def _answer(
        self,
        desk: Desk,
        kind: Kind,
        cookie: bytes,
        datagram: bytes,
        addr: tuple[str, int],
        limited: bool,
    ) -> None:
        now = self._clock()
        secret = None
        if desk.secret is not None:
            signature = verify(datagram, desk.secret, now)
            if signature is not None:
                desk.seen.take(signature, now)
                secret = desk.secret
            elif desk.required:
                self.counts.unsigned += 1
                return
        tails = desk.bodies.of(kind)
        if limited and not desk.rates.spend(addr[0], len(tails) or 1, self._reactor.seconds()):
            self.counts.limited += 1
            return
        beginning = head(cookie, int(now))
        if len(tails) == 1 and secret is None:
            sent = self._outbox.send(beginning + tails[0], addr)
        else:
            signing = None if secret is None else _signing(secret, now)
            sent = self._outbox.post(Reply(beginning, tails, addr, signing))
        self.counts.answers += sent
        if sent != len(tails):
            self.counts.dropped += len(tails) - sent

    def _admit(self, host: str) -> Mapping[str, bool]:
        """The spaces of which an address is told, and for which of them it is limited."""
        if len(self._admitted) >= MOST_HOSTS:
            self._admitted.clear()
        found = {}
        for space, desk in self._desks.items():
            answered, limited = desk.audience.admits(host)
            if answered:
                found[space] = limited
        self._admitted[host] = found
        return found


def _signing(secret: bytes, now: float) -> Callable[[bytes], bytes]:
    return lambda answer: sign(answer, secret, now)
