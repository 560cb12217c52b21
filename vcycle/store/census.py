"""What each factory of a space last told of itself: ``space-census/<factory>``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

from attrs import define, field

from vcycle.core.errors import StoreError
from vcycle.interfaces import RunInThread
from vcycle.store.atomic import PUBLIC, Batch, make_directory, told
from vcycle.store.layout import LEFTOVER, Unreadable, absolute, read_bounded, refuse_unsafe

DIRECTORY = "space-census"
GOOD_SECONDS = 86_400.0
"""An entry that is older is not read any more, and removed."""

MAX_ENTRY = 16_384
MAX_ENTRIES = 10_000


@define(eq=False)
class Census:
    """The entries of one space, by factory; how old one is says its file's time."""

    state_dir: str = field(converter=absolute)
    space: str
    in_thread: RunInThread

    def __attrs_post_init__(self) -> None:
        refuse_unsafe(self.space, "space")

    @property
    def directory(self) -> str:
        return os.path.join(self.state_dir, "spaces", self.space, DIRECTORY)

    async def write(self, entries: Mapping[str, bytes], now: float) -> None:
        """
        Replace the entries of these factories, each atomically, and remove what is too old.

        :raises StoreError: not all could be written.
        """
        wanted = dict(entries)
        for name in wanted:
            refuse_unsafe(name, "factory")
        await self.in_thread(lambda: self._write(wanted, now))

    async def read(self, now: float) -> Mapping[str, bytes]:
        """
        The entries that are not too old.

        :raises StoreError: they cannot be read.
        """
        return await self.in_thread(lambda: self._read(now))

    def _write(self, entries: Mapping[str, bytes], now: float) -> None:
        with told(self.directory):
            make_directory(self.directory)
            # After a crash of the host the next hour brings others.
            with Batch(durable=False) as batch:
                for name, content in entries.items():
                    if len(content) > MAX_ENTRY:
                        raise StoreError(f"{self.directory}/{name}: {len(content)} bytes are many")
                    batch.add(os.path.join(self.directory, name), content, PUBLIC)
                batch.commit()
            for name in entries:
                os.utime(os.path.join(self.directory, name), (now, now))
            for name, age in self._ages(now).items():
                if age > GOOD_SECONDS:
                    with suppress(FileNotFoundError):
                        os.remove(os.path.join(self.directory, name))

    def _read(self, now: float) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        with told(self.directory):
            for name, age in self._ages(now).items():
                if name.startswith(LEFTOVER) or age > GOOD_SECONDS or len(found) >= MAX_ENTRIES:
                    continue
                with suppress(Unreadable, FileNotFoundError):
                    found[name] = read_bounded(os.path.join(self.directory, name), MAX_ENTRY)
        return found

    def _ages(self, now: float) -> dict[str, float]:
        """Seconds by name; one from the future is as old as it is ahead."""
        try:
            entries = list(os.scandir(self.directory))
        except FileNotFoundError:
            return {}
        ages: dict[str, float] = {}
        for entry in entries:
            with suppress(FileNotFoundError):
                if not entry.is_dir(follow_symlinks=False):
                    ages[entry.name] = abs(now - entry.stat(follow_symlinks=False).st_mtime)
        return ages
