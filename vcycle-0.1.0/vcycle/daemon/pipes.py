"""Vacuum pipes as they run: their documents asked for, judged, kept, and told of."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Callable

from attrs import define, evolve, field

from vcycle.core.config.model import Configuration, Pipe
from vcycle.core.errors import PipeError, VcycleError
from vcycle.core.moments import span
from vcycle.core.pipes.document import MAX_BYTES, Document, decode
from vcycle.core.pipes.freshness import cache_seconds
from vcycle.daemon import events, pipecopies
from vcycle.daemon.pipecopies import Copy
from vcycle.interfaces import IDocuments, RunInThread

PRUNE_SECONDS = 86400.0


@define
class _Known:
    """
    What is known of one address: the last good ``copy``, what that document asks for, the last
    body that was ``refused`` and why, and what is wrong now.
    """

    copy: Copy | None = None
    document: Document | None = None
    kept_at: float | None = None
    refused: bytes | None = None
    why: str = ""
    trouble: str | None = None
    said: str | None = None


@define(eq=False)
class Pipes:
    """
    The documents of all pipes. Nothing here waits for a server: what is fetched meanwhile is
    seen by the next ``look``.

    ``documents`` fetches; ``in_thread`` is for what waits for the disk or computes; ``clock`` gives
    Unix seconds.
    """

    documents: IDocuments
    state_dir: str
    in_thread: RunInThread
    clock: Callable[[], float]
    _known: dict[str, _Known] = field(factory=dict, init=False)
    _busy: bool = field(default=False, init=False)
    _unkept: str | None = field(default=None, init=False)
    _pruned_at: float | None = field(default=None, init=False)

    def bodies(self, configuration: Configuration) -> dict[str, bytes]:
        """
        The good documents of a configuration's pipes, by URL. Blocks: call it in a thread.

        Those that were not asked for yet are as they were last kept.
        """
        urls = pipecopies.urls_of(configuration)
        known = dict(self._known)
        new = [url for url in urls if url not in known]
        copies = {url: known[url].copy for url in urls if url in known}
        copies.update(pipecopies.recall(self.state_dir, new))
        return {url: copy.body for url, copy in copies.items() if copy is not None}

    async def look(self, configuration: Configuration) -> bool:
        """Ask for all documents; whether one of them is another than when it was last asked for."""
        if self._busy:
            return False
        self._busy = True
        try:
            urls = pipecopies.urls_of(configuration)
            for url in set(self._known).difference(urls):
                del self._known[url]
            changed = [url for url in urls if await self._look_at(url, _of(configuration, url))]
            await self._prune(urls)
        finally:
            self._busy = False
        return bool(changed)

    def remarks(self, space: Mapping[str, Pipe]) -> tuple[str, ...]:
        """Which of a space's pipes are not as fresh as they should be, and why."""
        found = []
        for pipe in space.values():
            known = self._known.get(pipe.url)
            if known is not None and known.trouble is not None:
                found.append(f"vacuum pipe {pipe.name}: {self._told(known)}")
        return tuple(found)

    async def _look_at(self, url: str, pipes: list[Pipe]) -> bool:
        known = await self._known_of(url)
        wishes = known.document.cache_seconds if known.document is not None else None
        age = min(cache_seconds(pipe.cache_seconds, wishes) for pipe in pipes)
        changed = False
        try:
            found = await self.documents.document(url, MAX_BYTES, age)
            trouble = found.problem
            if found.body == known.refused:
                trouble = known.why
            elif known.copy is None or found.body != known.copy.body:
                known.document = await self.in_thread(lambda: decode(found.body))
                known.copy = Copy(url=url, body=found.body, fetched_at=found.fetched_at)
                changed = True
            elif found.fetched_at > known.copy.fetched_at:
                known.copy = evolve(known.copy, fetched_at=found.fetched_at)
        except PipeError as error:
            known.refused, known.why = found.body, f"{url}: {error}"
            trouble = known.why
        except VcycleError as error:
            trouble = str(error)
        known.trouble = trouble
        self._tell(known, pipes, changed)
        await self._keep(known)
        return changed

    async def _known_of(self, url: str) -> _Known:
        if url not in self._known:

            def recall() -> tuple[Copy | None, Document | None]:
                copy = pipecopies.recall(self.state_dir, [url]).get(url)
                try:
                    return (None, None) if copy is None else (copy, decode(copy.body))
                except PipeError:
                    return None, None

            try:
                copy, document = await self.in_thread(recall)
            except VcycleError:
                copy, document = None, None
            at = None if copy is None else copy.fetched_at
            self._known[url] = _Known(copy=copy, document=document, kept_at=at)
        return self._known[url]

    def _tell(self, known: _Known, pipes: list[Pipe], changed: bool) -> None:
        """Trouble once for as long as it is of one kind, and its end."""
        said = None if known.trouble is None else _kind(known.trouble)
        for pipe in pipes:
            if known.trouble is not None and said != known.said:
                events.pipe_troubled(pipe.space, pipe.name, self._told(known))
            elif known.trouble is None and (changed or known.said is not None):
                document = known.document
                count = 0 if document is None else len(document.entries)
                events.pipe_read(pipe.space, pipe.name, pipe.url, count)
        known.said = said

    def _told(self, known: _Known) -> str:
        if known.copy is None:
            return f"{known.trouble}; it has no machinetypes until there is a document"
        age = span(self.clock() - known.copy.fetched_at)
        return f"{known.trouble}; the document of {age} ago is used"

    async def _keep(self, known: _Known) -> None:
        copy = known.copy
        if copy is None or copy.fetched_at == known.kept_at:
            return
        try:
            await self.in_thread(lambda: pipecopies.keep(self.state_dir, copy))
            known.kept_at = copy.fetched_at
            self._unkept = None
        except VcycleError as error:
            if str(error) != self._unkept:
                events.pipe_not_kept(str(error))
            self._unkept = str(error)

    async def _prune(self, urls: tuple[str, ...]) -> None:
        now = self.clock()
        if self._pruned_at is None or not 0 <= now - self._pruned_at < PRUNE_SECONDS:
            self._pruned_at = now
            with suppress(VcycleError):
                await self.in_thread(lambda: pipecopies.prune(self.state_dir, urls, now))


def _of(configuration: Configuration, url: str) -> list[Pipe]:
    return [
        pipe
        for space in configuration.spaces.values()
        for pipe in space.pipes.values()
        if pipe.url == url
    ]


def _kind(text: str) -> str:
    """The text without its numbers: how far a download is is no news."""
    return "".join(letter for letter in text if not letter.isdigit())
