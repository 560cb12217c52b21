"""Having the newest version of an image: fetched, judged, and put on the shelf or refused."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Callable

from attrs import define, frozen
from twisted.internet.interfaces import IReactorTime

from vcycle.core.config.model import Settings
from vcycle.core.errors import CallTimedOut, CredentialError, FetchError, VcycleError
from vcycle.core.images.index import Entry, Index, Refused, Version, confirmed, failed
from vcycle.core.images.needs import Need, key_of
from vcycle.core.images.news import News, Removed
from vcycle.core.images.pruning import Pruning, prune
from vcycle.core.images.states import amount
from vcycle.images.client import Client
from vcycle.images.download import Download, Got
from vcycle.images.files import free_bytes, make_directory, told
from vcycle.images.parts import PartFile
from vcycle.images.patience import Waits
from vcycle.images.proofs import Proofs, identity_of
from vcycle.images.shelf import Changed, Shelf, file_name
from vcycle.images.signature import Unreadable
from vcycle.interfaces import RunInThread

GB = 10**9
RESERVE_BYTES = GB
"""What a download leaves free on the disk: machines' disks, records and logs need it."""


@frozen(kw_only=True)
class Bounds:
    """How much is fetched and kept, and how often is asked; bytes and seconds."""

    waits: Waits = Waits()
    most: int = 50 * GB
    budget: int = 200 * GB
    versions: int = 2
    check_seconds: float = 300.0

    @classmethod
    def of(cls, settings: Settings) -> Bounds:
        """As an administrator set them."""
        return cls(
            waits=Waits(stall=settings.image_stall_seconds, total=settings.image_total_seconds),
            most=int(settings.image_max_gb * GB),
            budget=int(settings.image_cache_gb * GB),
            versions=settings.image_versions,
            check_seconds=settings.image_check_seconds,
        )


@frozen(kw_only=True)
class Landed:
    """The index after a download; the version, if there is a new one; why it failed, if it did."""

    index: Index
    version: Version | None = None
    problem: str | None = None


class NotGood(FetchError):
    """What was fetched is whole, and nobody can use it."""

    def __init__(self, reason: str, got: Got) -> None:
        super().__init__(reason)
        self.got = got


@define(eq=False, kw_only=True)
class Fetching:
    """
    Fetches images for a cache, and tells what it removes. ``in_use`` gives the paths of images
    that machines live on, None if that is not known: then nothing is removed. It blocks.
    ``boot`` names this boot of the host;
    ``wall`` gives Unix seconds, ``clock`` measures.
    """

    client: Client
    clock: IReactorTime
    wall: Callable[[], float]
    in_thread: RunInThread
    shelf: Shelf
    proofs: Proofs
    bounds: Bounds
    boot: str
    in_use: Callable[[], Collection[str] | None]
    tell: Callable[[News], None]
    free: Callable[[str], int] = free_bytes

    def download(self, url: str, needs: Collection[Need]) -> Download:
        """The download of an address, not begun."""

        async def admit(more: int) -> None:
            await self.make_room(more)

        return Download(
            client=self.client,
            clock=self.clock,
            in_thread=self.in_thread,
            part_file=PartFile(self.shelf.parts, url, self.boot),
            waits=self.bounds.waits,
            most=self.bounds.most,
            admit=admit,
            room=self._check_reserve,
            confirm=not needs or any(not need.sha256 for need in needs),
        )

    async def fetch(
        self, url: str, entry: Entry, needs: Collection[Need], download: Download
    ) -> Landed:
        """Have the newest version, or know why not; either is in the index after that."""
        try:
            return await self._landed(url, entry, needs, download)
        finally:
            # Until here, so that what was judged is what is put on the shelf, or dropped.
            await download.release()

    async def _landed(
        self, url: str, entry: Entry, needs: Collection[Need], download: Download
    ) -> Landed:
        began, key = self.clock.seconds(), key_of(needs)
        refused = entry.refused
        if refused is not None and refused.needs != key:
            refused = None
        try:
            got = await self._fetch(entry, refused, download)
            if got is None:
                return Landed(index=await self._change(url, lambda it: confirmed(it, self.wall())))
            version, need = await self._judged(url, got, needs)
            index = await self._put(url, got, version, need, self.clock.seconds() - began)
            await self.in_thread(download.part_file.drop)
            return Landed(index=index, version=version)
        except NotGood as error:
            problem, got = str(error), error.got
            refused = Refused(
                validators=got.validators, sha256=got.sha256, needs=key, reason=problem
            )
            await self.in_thread(download.part_file.drop)
        except Changed as error:
            problem = str(error)
            await self.in_thread(download.part_file.drop)
        except VcycleError as error:
            problem = str(error)
        index = await self._change(url, lambda it: failed(it, self.wall(), problem, refused))
        return Landed(index=index, problem=problem)

    async def _put(self, url: str, got: Got, version: Version, need: Need, seconds: float) -> Index:
        path = self.shelf.path(version.file)
        index = await self.in_thread(
            lambda: self.shelf.put(url, got.path, got.identity, version, seconds)
        )
        if version.signed_by is not None:
            # What was just verified need not be verified again at its place.
            identity = identity_of(await self.in_thread(lambda: os.stat(path)))
            self.proofs.note(path, identity, need.signing_dn, version.signed_by)
        return index

    async def _fetch(self, entry: Entry, refused: Refused | None, download: Download) -> Got | None:
        known = refused.validators if refused is not None else None
        if known is None and entry.versions:
            newest = entry.versions[0]
            if await self.in_thread(lambda: self.shelf.is_whole(newest)):
                known = newest.validators
        got = await download.fetch(known)
        if got is None and refused is not None:
            raise FetchError(refused.reason)
        return got

    async def _judged(self, url: str, got: Got, needs: Collection[Need]) -> tuple[Version, Need]:
        """
        The version, and whom it is good for.

        :raises NotGood: nobody who wants it can use it.
        :raises FetchError: it cannot be told, as something on this host cannot be read.
        """
        reasons: list[str] = []
        unknown: str | None = None
        for need in sorted(set(needs)) or [Need()]:
            reason = need.refusal(got.sha256, got.proven)
            signer = None
            if reason is None and need.signing_dn:
                try:
                    signer = await self.proofs.signed(got.path, need.signing_dn)
                except CallTimedOut:
                    raise
                except (CredentialError, Unreadable) as error:
                    reason = unknown = str(error)
                except VcycleError as error:
                    reason = str(error).replace(got.path, "it")
            if reason is None:
                now = self.wall()
                version = Version(
                    file=file_name(url, got.sha256),
                    sha256=got.sha256,
                    size=got.size,
                    validators=got.validators,
                    fetched_at=now,
                    used_at=now,
                    signed_by=signer,
                    expected=need.sha256 or None,
                )
                return version, need
            reasons.append(reason)
        if unknown is not None:
            raise FetchError(unknown)
        raise NotGood("; ".join(dict.fromkeys(reasons)), got)

    async def _change(self, url: str, change: Callable[[Entry], Entry]) -> Index:
        return await self.in_thread(
            lambda: self.shelf.change(lambda index: index.put(url, change(index.entry(url))))
        )

    async def make_room(self, more: int) -> Index | None:
        """
        Remove what has to go for ``more`` bytes to come; the index if it changed.

        :raises FetchError: there is not enough room all the same.
        """
        index, pruning = await self.in_thread(lambda: self._prune(more))
        for removal in pruning.removals:
            path = self.shelf.path(removal.version.file)
            self.tell(Removed(path=path, size=removal.version.size, why=removal.why))
        if more and pruning.short:
            raise FetchError(
                f"{amount(more)} more would be {amount(pruning.short)} over image_cache_gb, and"
                " all else is in use; set it higher"
            )
        if more:
            free = await self.in_thread(self._free)
            if free < more + RESERVE_BYTES:
                raise FetchError(
                    f"{amount(more)} more are needed in {self.shelf.directory}, and"
                    f" {amount(RESERVE_BYTES)} to spare, but only {amount(free)} are free; make"
                    " room"
                )
        return index

    def files_in_use(self) -> set[str] | None:
        """The names of the files that machines live on; None if that is not known. Blocks."""
        paths = self.in_use()
        if paths is None:
            return None
        return {os.path.basename(p) for p in paths if os.path.dirname(p) == self.shelf.images}

    def _prune(self, more: int) -> tuple[Index | None, Pruning]:
        in_use = self.files_in_use()
        if in_use is None:
            return None, Pruning()
        bounds, now = self.bounds, self.wall()

        def choose(index: Index) -> Pruning:
            return prune(
                index, in_use, now=now, keep=bounds.versions, budget=bounds.budget, more=more
            )

        return self.shelf.prune(choose)

    def _check_reserve(self) -> None:
        """However long a download becomes, it leaves what others need. Blocks."""
        free = self._free()
        if free < RESERVE_BYTES:
            raise FetchError(
                f"only {amount(free)} are free in {self.shelf.directory}, and"
                f" {amount(RESERVE_BYTES)} are not for images; make room"
            )

    def _free(self) -> int:
        with told(self.shelf.directory):
            make_directory(self.shelf.parts)
            return self.free(self.shelf.parts)
