"""
Where whole images stand: files that never change, and the index of them. All of it blocks.

The daemon and commands share it: each change is made under one lock, on what is there then.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Callable
from urllib.parse import unquote, urlsplit

from attrs import define, field

from vcycle.core.errors import FetchError
from vcycle.core.images.index import Index, Version, added
from vcycle.core.images.indextext import MAX_TEXT, decode, encode
from vcycle.core.images.pruning import Pruning
from vcycle.images.files import (
    FIXED,
    locked,
    make_directory,
    read_file,
    remove_file,
    sync_directory,
    told,
    write_file,
)
from vcycle.images.parts import key_of
from vcycle.images.proofs import Identity, identity_of

INDEX = "index.json"
LOCK = "lock"
IMAGES = "images"
PARTS = "parts"
NAME_LETTERS = 60


class Changed(FetchError):
    """A part is not what it was when it was looked at."""


def file_name(url: str, sha256: str) -> str:
    """The file of a version: a name that people know, and that is of no other version."""
    base = unquote(urlsplit(url).path).rpartition("/")[2]
    base = re.sub(r"[^0-9A-Za-z._+-]", "_", base)[-NAME_LETTERS:].lstrip(".-+") or "image"
    stem, dot, ending = base.rpartition(".")
    if not stem or len(ending) > 8:
        stem, dot, ending = base, "", ""
    return f"{stem}-{key_of(url)[:6]}-{sha256[:16]}{dot}{ending}"


@define(eq=False)
class Shelf:
    """
    The cache below ``directory``. ``step`` is told before each change of the disk.

    :raises FetchError: from all methods: the disk says no; the text names the path and the cure.
    """

    directory: str
    step: Callable[[str, str], None] = lambda what, path: None
    damage: str | None = field(default=None, init=False)

    @property
    def parts(self) -> str:
        """The directory of downloads."""
        return os.path.join(self.directory, PARTS)

    @property
    def images(self) -> str:
        """The directory of whole images."""
        return os.path.join(self.directory, IMAGES)

    def path(self, file: str) -> str:
        """Where a version is."""
        return os.path.join(self.images, file)

    @property
    def _index(self) -> str:
        return os.path.join(self.directory, INDEX)

    def state(self) -> tuple[int, int, int] | None:
        """Equal to a former one as long as nobody changed the index."""
        try:
            known = os.stat(self._index)
        except OSError:
            return None
        return known.st_ino, known.st_size, known.st_mtime_ns

    def read(self, mend: bool = True) -> Index:
        """
        The index as it is now; an empty one if there is none. One that makes no sense is told of
        in ``damage``, and put aside if we ``mend``.
        """
        with told(self._index):
            data = read_file(self._index, MAX_TEXT)
        try:
            return Index() if data is None else decode(data.decode("ascii"))
        except ValueError as error:
            aside = f"{self._index}.damaged"
            self.damage = (
                f"{self._index}: {error}; it is kept as {aside}, and images are fetched anew"
            )
            if mend:
                with suppress(OSError):
                    os.replace(self._index, aside)
            return Index()

    def change(self, change: Callable[[Index], Index]) -> Index:
        """Replace the index by what ``change`` makes of it, while nobody else does."""
        with self._alone():
            return self._replace(self.read(), change)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with told(self._index):
            make_directory(self.images)
            with locked(os.path.join(self.directory, LOCK)):
                yield

    def _replace(self, before: Index, change: Callable[[Index], Index]) -> Index:
        after = change(before)
        if after != before:
            self.step("write", self._index)
            write_file(self._index, encode(after).encode("ascii"))
        return after

    def put(
        self, url: str, part: str, identity: Identity, version: Version, seconds: float
    ) -> Index:
        """
        Put a whole part into its place, and into the index as the newest version. One that has
        the same content as a version in the index is that version again; any other file at its
        place may be damaged, and is replaced.

        :raises Changed: the part has not the ``identity`` any more, or not the version's size.
        """
        place = self.path(version.file)

        def change(index: Index) -> Index:
            known = os.stat(part, follow_symlinks=False)
            if identity_of(known) != identity or known.st_size != version.size:
                raise Changed(f"{part}: it was changed by another; it is fetched again")
            if not (index.lists(version) and self.is_whole(version)):
                self.step("rename", place)
                os.chmod(part, FIXED)
                os.replace(part, place)
                sync_directory(self.images)
            return index.put(url, added(index.entry(url), version, seconds))

        return self.change(change)

    def prune(self, choose: Callable[[Index], Pruning]) -> tuple[Index, Pruning]:
        """
        Remove the versions that are chosen by what the index says now, while nobody else changes
        it; from the index first, so that nothing in it is ever missing.
        """
        with self._alone():
            before = self.read()
            pruning = choose(before)
            files = {removal.version.file for removal in pruning.removals}
            index = self._replace(before, lambda index: index.without(files))
            for file in files:
                self.step("remove", self.path(file))
                remove_file(self.path(file))
        return index, pruning

    def forget(self, files: set[str], in_use: Collection[str]) -> None:
        """Have versions used no more; files that machines live on stay until those are over."""
        with self._alone():
            self._replace(self.read(), lambda index: index.without(files))
            for file in files - set(in_use):
                remove_file(self.path(file))

    def is_whole(self, version: Version) -> bool:
        """Whether a version's file is there, as far as a look at its length can tell."""
        return _size(self.path(version.file)) == version.size

    def sweep(self, in_use: Collection[str], older_than: float) -> list[str]:
        """
        Remove what a killed process left: half-written files, images that are in no index and
        not in use, and parts that nobody continued since ``older_than``; gives their paths.
        """
        if not os.path.isdir(self.images):
            return []
        gone: list[str] = []
        with told(self.directory), locked(os.path.join(self.directory, LOCK)):
            index = self.read()
            known = {v.file for entry in index.entries.values() for v in entry.versions}
            for directory, keep in (
                (self.directory, lambda entry: not entry.name.startswith(".")),
                (self.images, lambda entry: entry.name in known or entry.name in in_use),
                (self.parts, lambda entry: _recent(entry, older_than)),
            ):
                gone += _sweep(directory, keep)
        return gone


def _sweep(directory: str, keep: Callable[[os.DirEntry[str]], bool]) -> list[str]:
    gone = []
    with suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False) and not keep(entry):
                with suppress(OSError):
                    os.unlink(entry.path)
                    gone.append(entry.path)
    return gone


def _recent(entry: os.DirEntry[str], older_than: float) -> bool:
    try:
        return entry.stat(follow_symlinks=False).st_mtime >= older_than
    except OSError:
        return True


def _size(path: str) -> int | None:
    try:
        return os.stat(path, follow_symlinks=False).st_size
    except OSError:
        return None
