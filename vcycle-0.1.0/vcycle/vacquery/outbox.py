"""Datagrams that wait for their turn, so that no long answer keeps short ones waiting."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Callable

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

SLICE = 16
"""Datagrams of one reply that are sent before the next reply has its turn."""

TURN = 64
"""Datagrams that are sent in one turn of the reactor."""

MOST_WAITING = 256
"""Replies that wait; what comes beyond is dropped, and will be asked for again."""

FULL_SECONDS = 0.005
"""How long to wait when the system takes no more datagrams."""

Addr = tuple[str, int]
Write = Callable[[bytes, Addr], Any]


@define(eq=False)
class Reply:
    """Datagrams to one address: each of ``tails`` after ``head``, then signed if it is to be."""

    head: bytes
    tails: Sequence[bytes]
    addr: Addr
    sign: Callable[[bytes], bytes] | None = None
    sent: int = 0

    def next(self) -> bytes:
        datagram = self.head + self.tails[self.sent]
        return datagram if self.sign is None else self.sign(datagram)


@define(eq=False)
class Outbox:
    """Sends what it can at once, and the rest a few at a time."""

    _log = Logger()
    _reactor: IReactorTime
    _write: Write | None = field(default=None, init=False)
    _waiting: deque[Reply] = field(factory=deque, init=False)
    _call: IDelayedCall | None = field(default=None, init=False)

    def open(self, write: Write) -> None:
        """From now on this sends a datagram."""
        self._write = write

    def close(self) -> None:
        """Nothing is sent any more; what waits is forgotten."""
        self._write = None
        self._waiting.clear()
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def send(self, datagram: bytes, addr: Addr) -> int:
        """Send one datagram now; 1 if the system took it, 0 if it is lost."""
        if self._write is None:
            return 0
        try:
            self._write(datagram, addr)
        except OSError as error:
            self._log.debug("no answer to {host}: {error}", host=addr[0], error=error)
            return 0
        return 1

    def post(self, reply: Reply) -> int:
        """Take a reply to be sent; the number of its datagrams, or 0 if too many wait."""
        if self._write is None or not reply.tails or len(self._waiting) >= MOST_WAITING:
            return 0
        self._waiting.append(reply)
        if self._call is None:
            self._turn()
        return len(reply.tails)

    def _turn(self) -> None:
        self._call = None
        pause: float = 0
        for _ in range(TURN // SLICE):
            if not self._waiting:
                return
            reply = self._waiting.popleft()
            if self._some(reply):
                if reply.sent < len(reply.tails):
                    self._waiting.append(reply)
            else:
                self._waiting.appendleft(reply)
                pause = FULL_SECONDS
                break
        if self._waiting:
            self._call = self._reactor.callLater(pause, self._turn)

    def _some(self, reply: Reply) -> bool:
        """A slice of a reply; False if the system has no room for it now."""
        for _ in range(min(SLICE, len(reply.tails) - reply.sent)):
            if self._write is None:
                return True
            try:
                self._write(reply.next(), reply.addr)
            except BlockingIOError:
                return False
            except OSError as error:
                # The address cannot be reached: nor can it with the rest of the reply.
                self._log.debug("no answer to {host}: {error}", host=reply.addr[0], error=error)
                reply.sent = len(reply.tails)
                return True
            reply.sent += 1
        return True
