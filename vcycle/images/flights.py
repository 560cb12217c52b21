"""Downloads under way: one of each address, however many wait for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Callable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from vcycle.core.errors import FetchError, VcycleError
from vcycle.core.images.index import Entry, Index, Version
from vcycle.core.images.needs import Need
from vcycle.core.images.news import Back, Fetched, Kept, Lacking, News, Trouble
from vcycle.core.images.states import Progress, named
from vcycle.images.download import Download
from vcycle.images.fetching import Fetching


@define(eq=False)
class _Flight:
    download: Download
    waiting: list[Deferred[Version | None]] = field(factory=list)


@define(eq=False, kw_only=True)
class Flights:
    """
    ``landed`` is told of each index that a download left, and of whether there is a new version;
    ``tell`` hears once of each trouble and of its end.
    """

    fetching: Fetching
    tell: Callable[[News], None]
    landed: Callable[[Index | None, bool], None]
    _log = Logger()
    _flights: dict[str, _Flight] = field(factory=dict, init=False)
    _told: dict[str, str] = field(factory=dict, init=False)
    _in_vain: dict[str, float] = field(factory=dict, init=False)

    def __contains__(self, url: str) -> bool:
        return url in self._flights

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._flights))

    def progress(self, url: str) -> Progress | None:
        """How far a download is; None if there is none."""
        flight = self._flights.get(url)
        return None if flight is None else flight.download.progress

    def in_vain(self, url: str) -> float:
        """How many seconds the last download took that failed; 0 if the last was good."""
        return self._in_vain.get(url, 0.0)

    def start(self, url: str, entry: Entry, needs: Collection[Need]) -> None:
        """Begin a download, unless it is under way."""
        self._flight(url, entry, needs, None)

    async def join(self, url: str, entry: Entry, needs: Collection[Need]) -> Version | None:
        """
        Begin a download, unless it is under way, and wait; the new version, or None if it is
        still the same.

        :raises FetchError: it was not had; the text names the address.
        """
        waiter: Deferred[Version | None] = Deferred()
        self._flight(url, entry, needs, waiter)
        return await waiter

    def _flight(
        self,
        url: str,
        entry: Entry,
        needs: Collection[Need],
        waiter: Deferred[Version | None] | None,
    ) -> None:
        flight = self._flights.get(url)
        if flight is None:
            flight = self._flights[url] = _Flight(self.fetching.download(url, needs))
            Deferred.fromCoroutine(self._fly(url, entry, needs, flight, waiter))
        elif waiter is not None:
            flight.waiting.append(waiter)

    async def _fly(
        self,
        url: str,
        entry: Entry,
        needs: Collection[Need],
        flight: _Flight,
        waiter: Deferred[Version | None] | None,
    ) -> None:
        flight.waiting += [] if waiter is None else [waiter]
        began = self.fetching.clock.seconds()
        index: Index | None = None
        version: Version | None = None
        try:
            landed = await self.fetching.fetch(url, entry, needs, flight.download)
            index, version, problem = landed.index, landed.version, landed.problem
        except VcycleError as error:
            problem = str(error)  # it could not even be written down
        except Exception as error:
            self._log.failure("{url}: it could not be fetched", url=url)
            problem = f"a fault of Vcycle itself, see its log: {type(error).__name__}"
        del self._flights[url]
        seconds = self.fetching.clock.seconds() - began
        self._in_vain.pop(url, None)
        if problem is not None:
            self._in_vain[url] = seconds
        self.landed(index, version is not None)
        if problem is not None:
            self._complain(url, entry, problem)
        elif self._told.pop(url, None) is not None:
            self.tell(Back(url=url))
        if version is not None:
            self.tell(self._fetched(url, version, seconds, flight.download))
            await self._make_room()
        for each in flight.waiting:
            if problem is None:
                each.callback(version)
            else:
                each.errback(FetchError(named(url, problem)))

    def _fetched(self, url: str, version: Version, seconds: float, of: Download) -> Fetched:
        return Fetched(
            url=url,
            path=self.fetching.shelf.path(version.file),
            size=version.size,
            sha256=version.sha256,
            seconds=seconds,
            resumed=of.resumed,
            signed_by=version.signed_by,
        )

    async def _make_room(self) -> None:
        try:
            index = await self.fetching.make_room(0)
        except VcycleError as error:
            self.tell(Trouble(text=str(error)))
            return
        if index is not None:
            self.landed(index, False)

    def _complain(self, url: str, entry: Entry, reason: str) -> None:
        """Once for as long as the reason is the same."""
        if self._told.get(url) == reason:
            return
        self._told[url] = reason
        if entry.versions and entry.confirmed_at is not None:
            age = self.fetching.wall() - entry.confirmed_at
            self.tell(Kept(url=url, reason=reason, age=age))
        else:
            self.tell(Lacking(url=url, reason=reason))
