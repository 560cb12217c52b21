"""The addresses of hosts, looked up off the reactor thread and kept."""

from __future__ import annotations

import ipaddress
import socket
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from typing import Callable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from vcycle.core.errors import VcycleError
from vcycle.interfaces import RunInThread

REFRESH_SECONDS = 600.0
"""How long an answer is good; then it is used on, and asked for again."""

RETRY_SECONDS = 60.0
LOOKUP_SECONDS = 30.0
AT_ONCE = 4
"""Lookups that run side by side."""

FORGET_SECONDS = 4 * REFRESH_SECONDS
"""A host that nobody asked for in so long is forgotten."""

MAX_ADDRESSES = 16


def look_up(host: str) -> tuple[str, ...]:
    """The IPv4 addresses of a host; blocking. Raises OSError or UnicodeError."""
    rows = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)
    return tuple(dict.fromkeys(str(row[4][0]) for row in rows))[:MAX_ADDRESSES]


@define(eq=False)
class _Host:
    addresses: tuple[str, ...] = ()
    failure: str | None = None
    asked_at: float = 0.0
    due_at: float = float("-inf")
    busy: bool = False
    tried: bool = False


@define(eq=False)
class _Waiter:
    missing: set[str]
    fired: Deferred[None] = field(factory=Deferred)


@define(eq=False)
class Names:
    """
    Knows the addresses of hosts by name. A host's last good addresses are used until others
    are found, however long that takes. ``lookup`` blocks, and is run by ``in_thread``.
    """

    reactor: IReactorTime
    in_thread: RunInThread
    lookup: Callable[[str], tuple[str, ...]] = look_up
    _hosts: dict[str, _Host] = field(factory=dict, init=False)
    _queue: deque[str] = field(factory=deque, init=False)
    _workers: int = field(default=0, init=False)
    _waiters: list[_Waiter] = field(factory=list, init=False)

    async def find(self, names: Collection[str], patience: float) -> Mapping[str, tuple[str, ...]]:
        """
        The addresses of each name; () where none is known.

        Names that were never looked up are waited for, ``patience`` seconds at most.
        """
        self.mention(names)
        missing = {name for name in names if not self._hosts[name].tried}
        if missing:
            waiter = _Waiter(missing)
            self._waiters.append(waiter)
            timer = self.reactor.callLater(patience, self._fire, waiter)
            try:
                await waiter.fired
            finally:
                if timer.active():
                    timer.cancel()
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
        return self.known(names)

    def mention(self, names: Iterable[str]) -> None:
        """Somebody will ask for these: look up, in the background, what is new or old."""
        now = self.reactor.seconds()
        for name in names:
            host = self._hosts.get(name)
            if host is None:
                host = self._hosts[name] = _new(name)
            host.asked_at = now
            if not host.busy and host.due_at <= now:
                host.busy = True
                self._queue.append(name)
        for name in [n for n, h in self._hosts.items() if h.asked_at < now - FORGET_SECONDS]:
            if not self._hosts[name].busy:
                del self._hosts[name]
        while self._queue and self._workers < AT_ONCE:
            self._workers += 1
            Deferred.fromCoroutine(self._work())

    def known(self, names: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """What is known now, without looking anything up; () where that is nothing."""
        hosts = {name: self._hosts.get(name) for name in names}
        return {name: () if host is None else host.addresses for name, host in hosts.items()}

    def failure(self, name: str) -> str | None:
        """Why the last lookup failed, or that none has come to an end; None if all is well."""
        host = self._hosts.get(name)
        if host is None or not host.tried:
            return "no answer from the name service yet"
        return host.failure

    async def _work(self) -> None:
        try:
            while self._queue:
                await self._look_up(self._queue.popleft())
        finally:
            self._workers -= 1

    async def _look_up(self, name: str) -> None:
        lookup = self.lookup

        def work() -> tuple[str, ...] | str:
            try:
                return lookup(name)
            except (OSError, UnicodeError) as error:
                return getattr(error, "strerror", None) or str(error)

        try:
            found = await self.in_thread(work, LOOKUP_SECONDS)
        except VcycleError as error:
            found = str(error)
        host = self._hosts[name]
        now = self.reactor.seconds()
        host.busy, host.tried = False, True
        if isinstance(found, str) or not found:
            host.failure = found if isinstance(found, str) else "it has no IPv4 address"
            host.due_at = now + RETRY_SECONDS
        else:
            host.addresses, host.failure = found, None
            host.due_at = now + REFRESH_SECONDS
        for waiter in tuple(self._waiters):
            waiter.missing.discard(name)
            if not waiter.missing:
                self._fire(waiter)

    def _fire(self, waiter: _Waiter) -> None:
        if not waiter.fired.called:
            waiter.fired.callback(None)


def _new(name: str) -> _Host:
    try:
        address = str(ipaddress.IPv4Address(name))
    except ValueError:
        return _Host()
    return _Host(addresses=(address,), tried=True, due_at=float("inf"))
