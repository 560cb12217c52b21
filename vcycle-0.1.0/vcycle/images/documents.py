"""
Small files of servers: templates and vacuum pipes, whole in memory, the last good copy on disk.

``Documents.document(url, max_bytes, max_age)`` gives what is here at once and fetches beside;
``Documents.fetch(url, max_bytes)`` waits for the server.
"""

from __future__ import annotations

from typing import Callable

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from vcycle.core.errors import FetchError, ImageMissing, VcycleError
from vcycle.core.images.address import parse
from vcycle.core.images.exchange import Content, ask, understand
from vcycle.core.images.news import Back, Kept, Lacking, News
from vcycle.core.images.states import named
from vcycle.core.images.times import retry_seconds
from vcycle.core.moments import span
from vcycle.images.client import Client
from vcycle.images.copies import Copies, Copy
from vcycle.images.patience import Patience, Waits
from vcycle.interfaces import Document, IDocuments, RunInThread

TOTAL_SECONDS = 300.0
"""What a small file may take: it is not an image."""

MOST_HELD = 256
"""Documents that are held in memory; all are on disk."""


@define(eq=False)
class _Held:
    """
    What is known of one address: the copy, if there is one, and the failures since; ``limit`` is
    the most that anybody would take.
    """

    copy: Copy | None = None
    failures: int = 0
    tried_at: float = 0.0
    problem: str | None = None
    waiting: list[Deferred[None]] | None = None


@implementer(IDocuments)
@define(eq=False, kw_only=True)
class Documents:
    """As IDocuments says; ``wall`` gives Unix seconds, ``clock`` measures."""

    client: Client
    clock: IReactorTime
    wall: Callable[[], float]
    in_thread: RunInThread
    copies: Copies
    waits: Waits
    tell: Callable[[News], None]
    woken: Callable[[], None] = lambda: None
    _log = Logger()
    _held: dict[str, _Held] = field(factory=dict, init=False)
    _told: dict[str, str] = field(factory=dict, init=False)

    async def document(self, url: str, max_bytes: int, max_age: float) -> Document:
        held, now = await self._hold(url), self.wall()
        if held.failures:
            due = not 0 <= now - held.tried_at < retry_seconds(held.failures)
        else:
            due = held.copy is None or not 0 <= now - held.copy.confirmed_at < max_age
        if due:
            self._start(url, held, max_bytes)
        if held.copy is None:
            raise ImageMissing(self._why(url, held, now))
        if len(held.copy.body) > max_bytes:
            raise ImageMissing(f"{url} is larger than {max_bytes} bytes; make it smaller")
        return _document(url, held.copy, held.problem)

    async def fetch(self, url: str, max_bytes: int) -> Document:
        try:
            held = await self._hold(url)
        except ImageMissing as error:
            raise FetchError(str(error)) from error
        self._start(url, held, max_bytes)
        if held.waiting is not None:
            waiter: Deferred[None] = Deferred()
            held.waiting.append(waiter)
            await waiter
        if held.problem is not None or held.copy is None:
            raise FetchError(named(url, held.problem or "it is not here"))
        if len(held.copy.body) > max_bytes:
            raise FetchError(f"{url}: it is larger than {max_bytes} bytes; make it smaller")
        return _document(url, held.copy, None)

    @property
    def busy(self) -> bool:
        """Is anything being fetched?"""
        return any(held.waiting is not None for held in self._held.values())

    def urls(self) -> set[str]:
        """What was asked for lately."""
        return set(self._held)

    def forgive(self) -> None:
        """What failed may be tried again at once: an administrator says so."""
        for held in self._held.values():
            held.failures = 0

    async def _hold(self, url: str) -> _Held:
        """What is known of an address; at first what is on disk."""
        try:
            parse(url, allow_http=self.client.ways.allow_http)
        except FetchError as error:
            raise ImageMissing(str(error)) from error
        if url not in self._held:
            try:
                copy = await self.in_thread(lambda: self.copies.read(url))
            except VcycleError as error:
                self._log.debug("{url}: its copy cannot be read: {error}", url=url, error=error)
                copy = None
            self._forget_some()
            self._held.setdefault(url, _Held(copy))
        return self._held[url]

    def _forget_some(self) -> None:
        while len(self._held) >= MOST_HELD:
            idle = [url for url, held in self._held.items() if held.waiting is None]
            if not idle:
                return
            del self._held[idle[0]]

    def _why(self, url: str, held: _Held, now: float) -> str:
        if held.waiting is not None or held.problem is None:
            since = f" ({held.problem})" if held.problem else ""
            return f"{url} is being fetched{since}"
        again = retry_seconds(held.failures) - (now - held.tried_at)
        return f"{named(url, held.problem)}; tried again in {span(max(0.0, again))}"

    def _start(self, url: str, held: _Held, max_bytes: int) -> None:
        if held.waiting is None:
            held.waiting = []
            Deferred.fromCoroutine(self._fly(url, held, max_bytes))

    async def _fly(self, url: str, held: _Held, max_bytes: int) -> None:
        before = None if held.copy is None else held.copy.body
        problem: str | None = None
        try:
            held.copy = await self._fetch(url, held.copy, max_bytes)
        except VcycleError as error:
            problem = str(error)
        except Exception as error:
            self._log.failure("{url}: it could not be fetched", url=url)
            problem = f"a fault of Vcycle itself, see its log: {type(error).__name__}"
        held.tried_at, held.problem = self.wall(), problem
        held.failures = 0 if problem is None else held.failures + 1
        waiting, held.waiting = held.waiting or [], None
        self._say(url, held, problem)
        if held.copy is not None and held.copy.body != before:
            self.woken()
        for waiter in waiting:
            waiter.callback(None)

    async def _fetch(self, url: str, former: Copy | None, max_bytes: int) -> Copy:
        patience = Patience(self.clock, evolve(self.waits, total=TOTAL_SECONDS))
        question = ask(None if former is None else former.validators, None)
        reply = await self.client.ask(url, question.headers, patience)
        try:
            answer = understand(question, None, reply.status, reply.headers, reply.length)
            if isinstance(answer, Content) and (answer.length or 0) > max_bytes:
                raise FetchError(f"it is larger than {max_bytes} bytes; make it smaller")
        except FetchError:
            reply.drop()
            raise
        now = self.wall()
        if not isinstance(answer, Content):
            reply.drop()
            if former is None:
                raise FetchError("the server says that it did not change, and was not asked that")
            return await self._keep(url, evolve(former, confirmed_at=now))
        pieces: list[bytes] = []
        size = 0

        def write(data: bytes) -> None:
            nonlocal size
            size += len(data)
            if size > max_bytes:
                raise FetchError(f"it is larger than {max_bytes} bytes; make it smaller")
            pieces.append(data)

        if not await reply.receive(write):
            raise FetchError(
                "the server does not say how long it is, so a part of it cannot be told from all"
                " of it; have it send Content-Length"
            )
        if not size:
            raise FetchError("it is empty")
        copy = Copy(body=b"".join(pieces), validators=answer.validators, confirmed_at=now)
        return await self._keep(url, copy)

    async def _keep(self, url: str, copy: Copy) -> Copy:
        """On disk, if that can be; in memory it holds all the same."""
        try:
            await self.in_thread(lambda: self.copies.write(url, copy))
        except VcycleError as error:
            self._log.warn("{url}: no copy of it could be kept: {error}", url=url, error=error)
        return copy

    def _say(self, url: str, held: _Held, problem: str | None) -> None:
        if problem is None:
            if self._told.pop(url, None) is not None:
                self.tell(Back(url=url))
        elif self._told.get(url) != problem:
            self._told[url] = problem
            if held.copy is None:
                self.tell(Lacking(url=url, reason=problem))
            else:
                age = self.wall() - held.copy.confirmed_at
                self.tell(Kept(url=url, reason=problem, age=age))


def _document(url: str, copy: Copy, problem: str | None) -> Document:
    return Document(url=url, body=copy.body, fetched_at=copy.confirmed_at, problem=problem)
