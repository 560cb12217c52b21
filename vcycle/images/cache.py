"""The cache of images: what is here is given at once, what is not is fetched beside."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Callable

from attrs import define, evolve, field

from vcycle.core.errors import FetchError, ImageMissing, VcycleError
from vcycle.core.images.address import parse
from vcycle.core.images.index import Entry, Index, Version, used, without_failed
from vcycle.core.images.needs import Need, key_of
from vcycle.core.images.news import News, Trouble
from vcycle.core.images.states import ImageStatus, Progress, named, status_of, told
from vcycle.core.images.times import is_due, pause_seconds
from vcycle.core.moments import span
from vcycle.images.fetching import Fetching
from vcycle.images.flights import Flights
from vcycle.images.proofs import Identity, identity_of
from vcycle.interfaces import Image, Wanted

NEED_SECONDS = 7200.0
"""How long it is remembered what somebody needed of an image."""

MARK_SECONDS = 1800.0
"""How exactly it is on disk when a version was last wanted; far less than pruning asks for."""

PART_SECONDS = 2 * 86_400.0
"""How long a download is kept that nobody continues, and what is known of a failed one."""


@define(eq=False, kw_only=True)
class ImageCache:
    """
    Images by URL. ``woken`` is called when one that was missing may be here, and ``tell`` of
    what an operator may want to know, once for as long as it is so.
    """

    fetching: Fetching
    tell: Callable[[News], None]
    woken: Callable[[], None] = lambda: None
    _flights: Flights = field(init=False)
    _index: Index = field(factory=Index, init=False)
    _state: object = field(default=None, init=False)
    _needs: dict[str, dict[Need, float]] = field(factory=dict, init=False)
    _used: dict[tuple[str, str], float] = field(factory=dict, init=False)
    _forgiven: dict[str, float | None] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._flights = Flights(fetching=self.fetching, tell=self.tell, landed=self._landed)

    async def image(self, wanted: Wanted) -> Image:
        """As IImages says, of a URL."""
        url, now = self._known(wanted.reference), self.fetching.wall()
        need = Need(sha256=wanted.sha256 or "", signing_dn=wanted.signing_dn or "")
        self._needs.setdefault(url, {})[need] = now
        entry, here = await self._look(url)
        found: tuple[Version, str | None] | None = None
        reason: str | None = None
        for version in entry.versions:
            if version.file in here:
                try:
                    found = version, self._signer(version, here[version.file], need)
                    break
                except ImageMissing as error:
                    reason = reason or str(error)
        if not (need.sha256 and found) and url not in self._flights:
            lacking = found is None and not entry.failures and reason is None
            seconds = self.fetching.bounds.check_seconds
            if lacking or is_due(entry, now, seconds, self._pause(url, entry)):
                self._start(url, entry)
        if found is None:
            raise ImageMissing(self._why(url, entry, reason, now))
        version, signer = found
        await self._mark(url, version, now)
        is_newest = version is entry.versions[0] or bool(need.sha256)
        return Image(
            path=self.fetching.shelf.path(version.file),
            url=url,
            sha256=version.sha256,
            signed_by=signer,
            confirmed_at=entry.confirmed_at if is_newest else version.fetched_at,
            problem=entry.problem if is_newest else _passed_over(reason, entry.problem),
        )

    async def fetch(self, url: str, needs: Collection[Need] = ()) -> Version | None:
        """
        Ask the server now, whatever happened before; the new version, or None if there is none.

        :raises FetchError: it was not had; a good copy that is here stays.
        """
        parse(url, allow_http=self.fetching.client.ways.allow_http)
        now = self.fetching.wall()
        for need in needs:
            self._needs.setdefault(url, {})[need] = now
        try:
            entry, _ = await self._look(url)
        except ImageMissing as error:
            raise FetchError(str(error)) from error
        wanted = tuple(self._needs.get(url, ()))
        return await self._flights.join(url, evolve(entry, refused=None), wanted)

    def progress(self, url: str) -> Progress | None:
        """How far a download is; None if there is none under way."""
        return self._flights.progress(url)

    def status(self) -> tuple[ImageStatus, ...]:
        """Each address as it is known now, those of other processes included."""
        urls = dict.fromkeys((*self._index.entries, *self._needs, *self._flights))
        return tuple(self._status(url) for url in urls)

    def _status(self, url: str) -> ImageStatus:
        wanted_at = max(self._needs.get(url, {}).values(), default=None)
        return status_of(url, self._index.entry(url), self.progress(url), wanted_at)

    def forgive(self) -> None:
        """What failed or was refused may be tried again at once: an administrator says so."""
        self.fetching.proofs.forgive()
        self._forgiven = {url: entry.tried_at for url, entry in self._index.entries.items()}

    async def tidy(self) -> None:
        """
        Write down what was used, remove what has to go and what a killed process left.

        :raises VcycleError: the disk says no.
        """
        fetching, now = self.fetching, self.fetching.wall()
        self._needs = {
            url: {need: at for need, at in needs.items() if abs(now - at) < NEED_SECONDS}
            for url, needs in self._needs.items()
        }
        self._needs = {url: needs for url, needs in self._needs.items() if needs}
        await self._write_used(now - PART_SECONDS)
        self._index = await fetching.make_room(0) or self._index

        def sweep() -> None:
            in_use = fetching.files_in_use()
            if in_use is not None:
                fetching.shelf.sweep(in_use, now - PART_SECONDS)

        await fetching.in_thread(sweep)

    async def _mark(self, url: str, version: Version, now: float) -> None:
        """
        That a version is wanted, before anybody is told of it: no record says so yet, and it must
        not be removed meanwhile.
        """
        self._used[url, version.file] = now
        if abs(now - version.used_at) < MARK_SECONDS:
            return
        try:
            await self._write_used()
        except VcycleError:
            return  # who cannot write the index does not remove anything either
        if all(each.file != version.file for each in self._index.entry(url).versions):
            raise ImageMissing(f"{url} was just removed to make room; it is fetched again")

    async def _write_used(self, forget_before: float = 0.0) -> None:
        marks, self._used = self._used, {}

        def change(index: Index) -> Index:
            for (url, file), at in marks.items():
                if url in index.entries:
                    index = index.put(url, used(index.entry(url), file, at))
            return without_failed(index, forget_before)

        if not marks and not forget_before:
            return
        shelf = self.fetching.shelf
        try:
            self._index = await self.fetching.in_thread(lambda: shelf.change(change))
        except VcycleError:
            self._used = {**marks, **self._used}
            raise

    def _known(self, url: str) -> str:
        try:
            return parse(url, allow_http=self.fetching.client.ways.allow_http).url
        except FetchError as error:
            raise ImageMissing(str(error)) from error

    async def _look(self, url: str) -> tuple[Entry, dict[str, Identity]]:
        """An address as it is known, and the files of its versions that are whole."""
        shelf, state = self.fetching.shelf, self._state

        def look() -> tuple[object, Index | None, dict[str, Identity]]:
            newest = shelf.state()
            index = None if newest == state else shelf.read()
            here = {}
            for version in (index or self._index).entry(url).versions:
                if shelf.is_whole(version):
                    here[version.file] = identity_of(os.stat(shelf.path(version.file)))
            return newest, index, here

        try:
            newest, index, here = await self.fetching.in_thread(look)
        except (VcycleError, OSError) as error:
            raise ImageMissing(f"{url}: the cache cannot be read: {error}") from error
        if index is not None:
            self._state, self._index = newest, index
            damage, shelf.damage = shelf.damage, None
            if damage is not None:
                self.tell(Trouble(text=damage))
        entry = self._index.entry(url)
        if url in self._forgiven and self._forgiven[url] == entry.tried_at:
            entry = evolve(entry, failures=0)
        return entry, here

    def _signer(self, version: Version, identity: Identity, need: Need) -> str | None:
        """Who signed a version, if that was asked for; ImageMissing if it is not good."""
        refusal = need.refusal(version.sha256)
        if refusal is not None:
            raise ImageMissing(refusal)
        if not need.signing_dn:
            return version.signed_by
        path = self.fetching.shelf.path(version.file)
        return self.fetching.proofs.signer(path, identity, need.signing_dn)

    def _why(self, url: str, entry: Entry, reason: str | None, now: float) -> str:
        progress = self.progress(url)
        if progress is not None:
            far = f": {told(progress)}" if progress.done else ""
            since = f" ({entry.problem})" if entry.problem else ""
            return f"{url} is being fetched{far}{since}"
        if entry.problem is not None:
            again = self._pause(url, entry) - (now - (entry.tried_at or now))
            return f"{named(url, entry.problem)}; tried again in {span(max(0.0, again))}"
        return named(url, reason or "it is not here")

    def _pause(self, url: str, entry: Entry) -> float:
        return pause_seconds(entry, key_of(self._needs.get(url, ())), self._flights.in_vain(url))

    def _start(self, url: str, entry: Entry) -> None:
        self._forgiven.pop(url, None)
        self._flights.start(url, entry, tuple(self._needs.get(url, ())))

    def _landed(self, index: Index | None, news: bool) -> None:
        if index is not None:
            self._index = index
        if news:
            self.woken()


def _passed_over(reason: str | None, problem: str | None) -> str:
    """Why a former version is given, and what else is wrong with the address."""
    told = f"a newer one was fetched and is not used: {reason or 'it is not whole here'}"
    return told if problem is None else f"{told}; {problem}"
