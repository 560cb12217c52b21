"""Disks in memory, held to the same contract as those made by qemu-img."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import Factory, define
from zope.interface import implementer

from vcycle.core.errors import DiskError
from vcycle.core.machine import Forming
from vcycle.interfaces import IDisks


@implementer(IDisks)
@define
class MemoryDisks:
    """
    ``formed`` is by path. What is in ``images`` can be a backing or a disk that nobody makes.

    Set ``broken`` to make every call fail with it.
    """

    images: set[str] = Factory(set)
    formed: dict[str, Forming] = Factory(dict)
    broken: DiskError | None = None

    async def form(self, wanted: Sequence[Forming]) -> None:
        self._check()
        formed = {}
        for forming in wanted:
            path = forming.disk.path
            if path in self.formed or path in self.images:
                continue
            if forming.backing is None and not forming.size and forming.seed is None:
                raise DiskError(f"{path}: this image is not there; put it back")
            if forming.backing is not None and forming.backing not in self.images:
                raise DiskError(f"{forming.backing}: no such file; put the image there")
            formed[path] = forming
        self.formed.update(formed)

    async def remove(self, paths: Sequence[str]) -> None:
        self._check()
        for path in paths:
            self.formed.pop(path, None)
            self.images.discard(path)

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken
