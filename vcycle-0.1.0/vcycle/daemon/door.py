"""The port of those who watch: bound before the daemon goes behind its fence, or later."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Callable

from attrs import frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IListeningPort
from twisted.logger import Logger

from vcycle.core.config.model import Configuration, Settings
from vcycle.core.errors import VcycleError
from vcycle.daemon import events
from vcycle.daemon.fence import is_fenced
from vcycle.daemon.monitoring import Monitoring
from vcycle.monitor.pages import Pages, Sources
from vcycle.monitor.site import WatchingSite
from vcycle.monitor.stream import Stream

AGAIN_SECONDS = 30.0
BACKLOG = 50


def bound(settings: Settings) -> socket.socket | None:
    """
    A socket at the port, which listens; None if there is to be none, or it cannot be had now.

    What is bound before the fence is entered is outside it: people can reach it there, and
    guests cannot.
    """
    if not settings.monitor_port:
        return None
    address = settings.monitor_interface
    family = socket.AF_INET6 if ":" in address or not address else socket.AF_INET
    try:
        return _bound(family, address, settings.monitor_port)
    except OSError:
        if address:
            return None
    with suppress(OSError):
        # A host without IPv6.
        return _bound(socket.AF_INET, address, settings.monitor_port)
    return None


def _bound(family: int, address: str, port: int) -> socket.socket:
    door = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(bool(address)))
        door.bind((address, port))
        door.listen(BACKLOG)
    except OSError:
        door.close()
        raise
    return door


def names_of(configuration: Configuration) -> set[str]:
    """What this host may be called by those who watch."""
    factories = (space.factory_name for space in configuration.spaces.values())
    return {os.uname().nodename.lower(), *factories}


@frozen
class Entrance:
    """
    What was bound before the daemon claimed what is its own; ``shut`` says that it went behind
    the fence, where nothing can be bound any more that people reach.
    """

    door: socket.socket | None = None
    shut: bool = False


def entrance(settings: Settings, claim: Callable[[], None]) -> Entrance:
    """Bind the port if it can be had, and then ``claim``, whose errors are raised."""
    outside, door = not is_fenced(), bound(settings)
    try:
        claim()
    except BaseException:
        if door is not None:
            door.close()
        raise
    return Entrance(door, outside and is_fenced())


class Door(Service):
    """
    Serves the page and the metrics at the port. One that is taken is told of, and tried again:
    nothing else depends on it.

    ``names`` gives those of this host; ``problem`` is why nobody can look. The day is remembered
    from one daemon to the next.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        settings: Settings,
        monitoring: Monitoring,
        names: Callable[[], Iterable[str]],
        entrance: Entrance | None = None,
    ) -> None:
        self._reactor = reactor
        self._port, self._interface = settings.monitor_port, settings.monitor_interface
        self._settings = settings
        self._monitoring = monitoring
        entrance = entrance or Entrance()
        self._early, self._shut = entrance.door, entrance.shut
        self.stream = Stream(reactor)
        sources = Sources(
            view=monitoring.view, day=monitoring.day, metrics=monitoring.metrics, names=names
        )
        self._site = WatchingSite(reactor, Pages(sources, self.stream))
        self._listening: IListeningPort | None = None
        self._again: IDelayedCall | None = None
        self.problem: str | None = None
        self._stale: set[str] = set()
        self._telling = False
        monitoring.changed = self.changed
        monitoring.listeners = lambda: len(self.stream)

    def startService(self) -> None:
        super().startService()
        if self._port:
            self.stream.start()
            Deferred.fromCoroutine(self._monitoring.recall())
            self._listen()

    def stopService(self) -> Deferred[None]:
        super().stopService()
        if self._again is not None:
            self._again.cancel()
            self._again = None
        self.stream.stop()
        return Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            await maybeDeferred(listening.stopListening)
        if self._port:
            try:
                await self._monitoring.keep()
            except VcycleError as error:
                self._log.debug("the day is not kept: {error}", error=error)

    def changed(self, anew: bool) -> None:
        """Have open pages told; ``anew`` is that the day has a new frame."""
        self._stale.update(("view", "day") if anew else ("view",))
        if len(self.stream) and not self._telling:
            Deferred.fromCoroutine(self._tell())

    async def _tell(self) -> None:
        self._telling = True
        try:
            while self._stale and len(self.stream):
                # The newest counts; what changes meanwhile is told next.
                event = "view" if "view" in self._stale else "day"
                self._stale.discard(event)
                make = self._monitoring.view if event == "view" else self._monitoring.day
                self.stream.tell(event, await make())
        except VcycleError as error:
            self._log.debug("open pages wait for the next cycle: {error}", error=error)
        except Exception:
            self._log.failure("open pages could not be told")
        finally:
            self._telling = False

    def _listen(self) -> None:
        self._again = None
        early, self._early = self._early, None
        door = early if early is not None or self._shut else bound(self._settings)
        if door is not None:
            with door:
                # Twisted takes a copy of the descriptor.
                self._listening = self._reactor.adoptStreamPort(
                    door.fileno(), door.family, self._site
                )
            events.monitored(self._url())
            self.problem = None
            return
        if self.problem is None:
            cure = "the port is taken, or not to be had: free it, or set another monitor_port"
            when = "; then start the daemon anew" if self._shut else "; it is tried again"
            events.not_monitored(self._url(), cure + when)
            self.problem = f"nobody can look at {self._url()}: {cure}"
        if not self._shut:
            self._again = self._reactor.callLater(AGAIN_SECONDS, self._listen)

    def _url(self) -> str:
        host = self._interface or "localhost"
        return f"http://[{host}]:{self._port}/" if ":" in host else f"http://{host}:{self._port}/"
