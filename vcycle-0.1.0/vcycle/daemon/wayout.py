"""The daemon's way out of its own fence: connections made by a process that stayed outside."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet import error as errors
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import (
    IDelayedCall,
    IProtocolFactory,
    IReadDescriptor,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from vcycle.core.errors import VcycleError
from vcycle.daemon import outside

R = TypeVar("R")

GRACE = 5.0
"""Seconds over its own after which the process outside is not waited for."""

GONE = "the process outside the fence is gone: start the daemon anew"


def way_out() -> WayOut:
    """
    Start the process that stays outside; before the fence is entered. Blocks for a moment.

    :raises VcycleError: it cannot be started.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        try:
            process = subprocess.Popen(  # noqa: S603 (a list of arguments, and no shell)
                # By itself, without what the environment might add to it.
                [sys.executable, "-I", outside.__file__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise VcycleError(
                f"{sys.executable}, the process that stays outside the fence around guests, cannot"
                f" be started: {error.strerror}"
            ) from error
    return WayOut(ours, process)


@implementer(IReadDescriptor)
@define(eq=False)
class WayOut:
    """
    Asks the process outside for connections. ``process`` is kept so that it is reaped; it ends
    when our end of the channel is closed, be it by our own end.
    """

    _channel: socket.socket
    process: Any = None
    _waiting: dict[int, Deferred[socket.socket]] = field(factory=dict, init=False)
    _number: int = field(default=0, init=False)
    _reactor: Any = field(default=None, init=False)
    _gone: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._channel.setblocking(False)
        os.set_inheritable(self._channel.fileno(), False)

    def endpoint(self, reactor: Any, host: str, port: int, seconds: float) -> IStreamClientEndpoint:
        """Where to connect to, outside; names are looked up there too."""
        if self._reactor is None:
            self._reactor = reactor
            reactor.addReader(self)
        return _Outside(self, reactor, host, port, seconds)

    def ask(self, reactor: Any, host: str, port: int, seconds: float) -> Deferred[socket.socket]:
        """A connected socket, which is the caller's; fails as connections fail."""
        if self._gone:
            return _failed(errors.ConnectError(errno.EPIPE, GONE))
        self._number += 1
        number = self._number
        asked = {"number": number, "host": host, "port": port, "seconds": seconds}
        try:
            self._channel.send(json.dumps(asked).encode())
        except BlockingIOError as error:
            return _failed(errors.ConnectError(error.errno, "too much is asked for at once"))
        except OSError as error:
            return _failed(errors.ConnectError(error.errno, GONE))

        def cancel(_: object) -> None:
            self._waiting.pop(number, None)

        def expire() -> None:
            self._waiting.pop(number).errback(errors.TimeoutError())

        def settled(result: R) -> R:
            if timer.active():
                timer.cancel()
            return result

        waiting: Deferred[socket.socket] = Deferred(cancel)
        self._waiting[number] = waiting
        timer: IDelayedCall = reactor.callLater(seconds + GRACE, expire)
        return waiting.addBoth(settled)

    def close(self) -> None:
        """Let the process outside end; nothing can be asked any more."""
        if self._reactor is not None:
            self._reactor.removeReader(self)
        self.connectionLost()
        self._channel.close()
        if self.process is not None:
            self.process.wait()

    def fileno(self) -> int:
        return self._channel.fileno()

    def logPrefix(self) -> str:
        return "way out"

    def doRead(self) -> Exception | None:  # type: ignore[override]
        """All that has been answered."""
        while True:
            try:
                message, descriptors, _, _ = socket.recv_fds(self._channel, outside.MAX_MESSAGE, 1)
            except BlockingIOError:
                return None
            except OSError:
                message, descriptors = b"", []
            # The message belongs to whoever waits, or else to nobody.
            connections = [socket.socket(fileno=one) for one in descriptors]
            if not message:
                return errors.ConnectionLost()
            if not self._answered(message, connections):
                for connection in connections:
                    connection.close()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The process is gone, which is nothing that anybody asked of it."""
        self._gone = True
        waiting, self._waiting = self._waiting, {}
        for each in waiting.values():
            each.errback(errors.ConnectError(errno.EPIPE, GONE))

    def _answered(self, message: bytes, connections: list[socket.socket]) -> bool:
        told = json.loads(message)
        waiting = self._waiting.pop(told["number"], None)
        if waiting is None:
            return False
        if connections:
            waiting.callback(connections[0])
        elif told.get("name"):
            waiting.errback(errors.DNSLookupError(told["error"]))
        else:
            waiting.errback(errors.getConnectError((told.get("errno"), told["error"])))
        return True


@implementer(IStreamClientEndpoint)
@define(eq=False)
class _Outside:
    """One place outside, to be connected to."""

    _way: WayOut
    _reactor: Any
    _host: str
    _port: int
    _seconds: float

    def connect(self, factory: IProtocolFactory) -> Deferred[Any]:
        asked = self._way.ask(self._reactor, self._host, self._port, self._seconds)

        def adopt(connection: socket.socket) -> Any:
            holder = _Holder(factory)
            with connection:
                # The reactor takes a copy of the descriptor.
                self._reactor.adoptStreamConnection(connection.fileno(), connection.family, holder)
            if holder.protocol is None:
                raise errors.ConnectError(string="nothing wants this connection")
            return holder.protocol

        return asked.addCallback(adopt)


@define(eq=False)
class _Holder(Factory):
    """Keeps the protocol that another factory builds."""

    _factory: IProtocolFactory
    protocol: Any = field(default=None, init=False)

    def buildProtocol(self, addr: Any) -> Any:
        self.protocol = self._factory.buildProtocol(addr)
        return self.protocol


def _failed(error: Exception) -> Deferred[socket.socket]:
    failed: Deferred[socket.socket] = Deferred()
    failed.errback(error)
    return failed


def endpoint(
    reactor: Any, way: WayOut | None, host: str, port: int, seconds: float
) -> IStreamClientEndpoint:
    """Where to connect to: by the way out where the daemon is fenced in, else as everybody does."""
    if way is not None:
        return way.endpoint(reactor, host, port, seconds)
    return HostnameEndpoint(reactor, host, port, timeout=seconds)
