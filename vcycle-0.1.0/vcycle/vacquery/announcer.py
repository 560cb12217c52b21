"""Telling receivers of status messages, who never answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IDelayedCall, IListeningPort
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger

from vcycle.core.asking.target import Address
from vcycle.vacquery.asker import IAskingReactor
from vcycle.vacquery.names import Names

MOST_WAITING = 4096
"""Datagrams that wait; the oldest give way to new ones."""

BATCH = 32
BATCH_SECONDS = 0.01
"""So many datagrams are sent at once, and then others so many seconds later."""

NAMES_SECONDS = 30.0
"""How long a message waits for the address of its receiver."""

IGNORED = 64
"""Bytes that are read of what receivers send, which means nothing."""

Receiver = tuple[str, int]
"""A host's name and a port."""


class Announcer(DatagramProtocol):
    """
    Sends datagrams as best it can: what cannot be sent is dropped, and nobody waits for it.

    ``trouble`` is why the last ones for a receiver could not be sent, by receiver.
    """

    _log = Logger()
    noisy = False

    def __init__(self, reactor: IAskingReactor, names: Names, interface: str = "") -> None:
        self._reactor = reactor
        self._names = names
        self._interface = interface if ":" not in interface else ""
        self._waiting: deque[tuple[bytes, Address, Receiver]] = deque()
        self._unnamed = 0
        self._listening: IListeningPort | None = None
        self._timer: IDelayedCall | None = None
        self._stopped = False
        self.trouble: dict[Receiver, str] = {}

    def announce(self, receivers: Collection[Receiver], datagrams: Iterable[bytes]) -> None:
        """Have each of the datagrams sent to each receiver, in order; returns at once."""
        wanted = tuple(datagrams)[:MOST_WAITING]
        if self._stopped or not wanted or self._unnamed > MOST_WAITING:
            return
        for receiver in receivers:
            self._unnamed += len(wanted)
            Deferred.fromCoroutine(self._name(receiver, wanted)).addErrback(
                lambda failure: self._log.failure("a message was not sent", failure=failure)
            )

    def stop(self) -> None:
        """Send no more; what waits is dropped."""
        self._stopped = True
        self._waiting.clear()
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.stopListening()

    async def _name(self, receiver: Receiver, datagrams: tuple[bytes, ...]) -> None:
        host, port = receiver
        try:
            found: Mapping[str, tuple[str, ...]] = await self._names.find((host,), NAMES_SECONDS)
        finally:
            self._unnamed -= len(datagrams)
        if not found[host]:
            self.trouble[receiver] = f"its address is not known: {self._names.failure(host)}"
            return
        for datagram in datagrams:
            self._waiting.append((datagram, (found[host][0], port), receiver))
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
        self._wake(0.0)

    def _wake(self, seconds: float) -> None:
        if not self._stopped and (self._timer is None or not self._timer.active()):
            self._timer = self._reactor.callLater(seconds, self._send)

    def _send(self) -> None:
        if not self._open():
            return
        assert self.transport is not None, "it is open"
        for _ in range(min(BATCH, len(self._waiting))):
            datagram, address, receiver = self._waiting.popleft()
            try:
                self.transport.write(datagram, address)
                self.trouble.pop(receiver, None)
            except OSError as error:
                self.trouble[receiver] = error.strerror or str(error)
        if self._waiting:
            self._wake(BATCH_SECONDS)

    def _open(self) -> bool:
        if self._listening is None:
            try:
                self._listening = self._reactor.listenUDP(
                    0, self, interface=self._interface, maxPacketSize=IGNORED
                )
            except CannotListenError as error:
                for _, _, receiver in self._waiting:
                    self.trouble[receiver] = f"no socket to send from: {error}"
                self._waiting.clear()
                return False
        return True
