"""
The one persistent connection to a libvirt daemon or driver.

``Connection(reactor, uri, in_thread, changed=..., lifecycle=...)``; both callbacks are
called on the reactor thread.
"""

from __future__ import annotations

from typing import Callable, Protocol, TypeVar

import libvirt
from attrs import Factory, define, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from vcycle.core.errors import CallTimedOut, OutcomeUnknown, ProviderError, Unreachable
from vcycle.interfaces import RunInThread
from vcycle.providers.libvirt.embed import ready
from vcycle.providers.libvirt.eventloop import start_event_loop
from vcycle.providers.libvirt.failures import failure, lost, text
from vcycle.providers.libvirt.link import Link
from vcycle.threads import CallNeverBegan, IThreadsReactor

R = TypeVar("R")


class Lifecycle(Protocol):
    """What is called with a domain's uuid, libvirt's event and its detail."""

    def __call__(self, uuid: str, event: int, detail: int) -> None: ...


@frozen(kw_only=True)
class Patience:
    """
    How long to wait, in seconds. Keep-alive questions are asked each ``keepalive_interval``;
    after ``keepalive_count`` without an answer the connection is dead.
    """

    opening: float = 10.0
    keepalive_interval: int = 5
    keepalive_count: int = 3
    retry_first: float = 1.0
    retry_most: float = 30.0


@define(eq=False)
class Connection:
    """
    Opened on first use, opened anew on the next use or by a timer once it broke.

    A link that failed is never used again. While opening fails, each attempt waits
    longer than the one before, and calls in between fail at once.
    """

    _reactor: IThreadsReactor
    uri: str
    _in_thread: RunInThread
    _changed: Callable[[], None]
    _lifecycle: Lifecycle
    _patience: Patience = Patience()
    _link: Link | None = None
    _opening: bool = False
    _waiting: list[Deferred[None]] = Factory(list)
    _stopped: bool = False
    _failures: int = 0
    _retry: IDelayedCall | None = None
    _problem: str = "it was not opened yet"
    _log: Logger = Logger()

    async def call(
        self,
        doing: str,
        work: Callable[[libvirt.virConnect], R],
        *,
        deadline: float,
        writing: bool = False,
        vital: bool = False,
    ) -> R:
        """
        Do ``work`` with the connection in a thread; libvirt's errors come out as ProviderErrors.

        ``doing`` begins each error's text. ``writing`` work may have taken effect when
        its answer is lost. ``vital`` work never waits for a machine's process, so when it
        passes its deadline the connection is given up.

        :raises Unreachable: there is no connection, and nothing was asked.
        :raises OutcomeUnknown: no answer came in time.
        """
        link = await self._ready(doing)
        broken = False

        def visit(connection: libvirt.virConnect) -> R:
            nonlocal broken
            try:
                return work(connection)
            except libvirt.libvirtError as error:
                broken = lost(error, connection)
                raise failure(doing, error, lost=broken, writing=writing) from None

        try:
            return await self._in_thread(lambda: link.use(visit), deadline)
        except CallNeverBegan as error:
            raise Unreachable(f"{doing}: {error}") from error
        except CallTimedOut as error:
            broken = vital
            raise OutcomeUnknown(f"{doing}: {error}") from error
        finally:
            if broken:
                self._dead(link, f"{doing} failed")

    def start(self) -> None:
        """Allow connections; none is opened yet."""
        self._stopped = False

    def stop(self) -> None:
        """Let go of the connection without waiting for anything."""
        self._stopped = True
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        link, self._link = self._link, None
        if link is not None:
            link.retire()

    async def _ready(self, doing: str) -> Link:
        if self._link is None and self._opening:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting
        elif self._link is None and not self._stopped and self._retry is None:
            await self._open()
        if self._link is None:
            when = "Vcycle is stopping" if self._stopped else "it is tried again soon"
            raise Unreachable(f"{doing}: no connection to {self.uri}: {self._problem}; {when}")
        return self._link

    async def _open(self) -> None:
        self._opening = True
        try:
            await self._in_thread(self._open_in_thread, self._patience.opening)
        except (CallTimedOut, ProviderError) as error:
            self._problem = str(error)
        finally:
            self._opening = False
            if self._link is None and not self._stopped:
                self._retry_later()
            waiting, self._waiting = self._waiting, []
            for one in waiting:
                one.callback(None)

    def _open_in_thread(self) -> None:
        """
        Whatever comes of it is handed over by itself, not as the answer: an open that
        hung and succeeds after all is then either used or closed, but never lost.
        """
        problem = ready(self.uri)
        if problem is not None:
            raise Unreachable(problem)
        start_event_loop()
        try:
            link = Link.open(self.uri)
        except libvirt.libvirtError as error:
            raise Unreachable(f"libvirt says: {text(error)}") from None
        connection, patience = link.connection, self._patience
        try:
            connection.setKeepAlive(patience.keepalive_interval, patience.keepalive_count)
        except libvirt.libvirtError as error:
            self._log.debug("no keep-alive on {uri}: {error}", uri=self.uri, error=text(error))
        try:
            if not link.lasting:
                connection.registerCloseCallback(self._on_close, link)
            link.events = connection.domainEventRegisterAny(
                None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._on_event, link
            )
        except libvirt.libvirtError as error:
            link.retire()
            raise Unreachable(f"no events: libvirt says: {text(error)}") from None
        self._reactor.callFromThread(self._opened, link)

    def _opened(self, link: Link) -> None:
        if self._stopped or self._link is not None:
            link.retire()
            return
        self._link = link
        self._failures = 0
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        self._log.debug("connected to {uri}", uri=self.uri)
        self._changed()

    def _on_close(self, connection: object, reason: int, link: Link) -> None:
        self._reactor.callFromThread(self._dead, link, f"closed, reason {reason}")

    def _on_event(
        self, connection: object, domain: libvirt.virDomain, event: int, detail: int, link: Link
    ) -> None:
        uuid = domain.UUIDString()
        self._reactor.callFromThread(self._event, link, uuid, event, detail)

    def _event(self, link: Link, uuid: str, event: int, detail: int) -> None:
        if link is self._link:
            self._lifecycle(uuid, event, detail)

    def _dead(self, link: Link, why: str) -> None:
        link.retire()
        if link is not self._link:
            return
        self._link = None
        self._problem = why
        self._log.debug("connection to {uri} lost: {why}", uri=self.uri, why=why)
        if not self._stopped:
            self._retry_later()
            self._changed()

    def _retry_later(self) -> None:
        if self._retry is None:
            patience = self._patience
            # The exponent is bounded too: a year of failures would overflow the power.
            wait = min(patience.retry_most, patience.retry_first * 2.0 ** min(self._failures, 30))
            self._failures += 1
            self._retry = self._reactor.callLater(wait, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        if self._link is None and not self._opening:
            Deferred.fromCoroutine(self._open()).addErrback(self._unforeseen)

    def _unforeseen(self, reason: Failure) -> None:
        self._log.failure("opening {uri}", failure=reason, uri=self.uri)
