"""The daemon's Unix socket for orders: one line of JSON in, one out, from its group alone."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Awaitable, Mapping
from typing import Any, Callable

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver
from twisted.protocols.policies import TimeoutMixin

from vcycle.core.errors import VcycleError
from vcycle.monitor.unixsocket import UnixSocket

IDLE_SECONDS = 30
MAX_ORDER = 65_536
AT_ONCE = 16
"""Orders that are carried out at a time; more find the door shut."""

_CREDENTIALS = struct.Struct("3i")


@frozen(kw_only=True)
class Caller:
    """The process that gives an order, as the kernel knows it."""

    uid: int
    pid: int


Answer = Callable[[Mapping[str, Any], Caller], Awaitable[Mapping[str, Any]]]


class Order(LineOnlyReceiver, TimeoutMixin):
    """One connection: one order, one answer, and that is all."""

    delimiter = b"\n"
    MAX_LENGTH = MAX_ORDER
    transport: Any
    _log = Logger()

    def __init__(self, answer: Answer, reactor: Any) -> None:
        self._answer = answer
        self._reactor = reactor
        self._taken = False

    def callLater(self, period: float, func: Callable[[], None]) -> Any:
        """A delayed call, by the clock that everybody here has."""
        return self._reactor.callLater(period, func)

    def connectionMade(self) -> None:
        self.setTimeout(IDLE_SECONDS)

    def connectionLost(self, reason: Any = None) -> None:
        self.setTimeout(None)

    def lineReceived(self, line: bytes) -> None:
        if self._taken:
            return
        self._taken = True
        self.setTimeout(None)
        Deferred.fromCoroutine(self._obey(line))

    def lineLengthExceeded(self, line: bytes) -> None:
        self._say({"error": f"an order may have {MAX_ORDER} bytes"})

    async def _obey(self, line: bytes) -> None:
        try:
            order = json.loads(line)
            if not isinstance(order, dict):
                raise ValueError("no JSON object")
            self._say({"version": 1, **await self._answer(order, self._caller())})
        except VcycleError as error:
            self._say({"error": str(error)})
        except (ValueError, RecursionError) as error:
            self._say({"error": f"the order is not understood: {error}"})
        except Exception:
            self._log.failure("an order failed")
            self._say({"error": "vcycled could not do it; see its log"})

    def _caller(self) -> Caller:
        size = _CREDENTIALS.size
        said = self.transport.getHandle().getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        pid, uid, _ = _CREDENTIALS.unpack(said)
        return Caller(uid=uid, pid=pid)

    def _say(self, answer: Mapping[str, Any]) -> None:
        self.transport.write(json.dumps(answer).encode("ascii") + b"\n")
        self.transport.loseConnection()


class _Orders(Factory):
    noisy = False

    def __init__(self, answer: Answer, reactor: Any) -> None:
        self._answer = answer
        self._reactor = reactor
        self._open = 0

    def buildProtocol(self, addr: Any) -> Order | None:
        if self._open >= AT_ONCE:
            return None
        self._open += 1
        order = _Counted(self._answer, self._reactor)
        order.over = self._over
        return order

    def _over(self) -> None:
        self._open -= 1


class _Counted(Order):
    over: Callable[[], None]

    def connectionLost(self, reason: Any = None) -> None:
        super().connectionLost(reason)
        self.over()


class ControlSocket(UnixSocket):
    """
    Takes orders on a Unix socket at ``path`` while it runs, from its owner and its group.

    ``answer`` carries an order out; a VcycleError's text is what the caller is told instead.
    """

    def __init__(self, reactor: Any, path: str, answer: Answer, mode: int = 0o660) -> None:
        super().__init__(reactor, path, _Orders(answer, reactor), mode)
