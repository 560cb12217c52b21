"""Exports in memory, held to the same contract as those made by exportfs."""

from __future__ import annotations

from collections.abc import Collection

from attrs import Factory, define
from zope.interface import implementer

from vcycle.core.errors import DiskError
from vcycle.interfaces import IExports


@implementer(IExports)
@define
class MemoryExports:
    """``table`` tells of each path and address whether it is writable; ``broken`` fails all."""

    table: dict[tuple[str, str], bool] = Factory(dict)
    broken: DiskError | None = None

    async def export(self, path: str, address: str, writable: bool) -> None:
        self._check()
        self.table[path, address] = writable

    async def withdraw(self, path: str, address: str) -> None:
        self._check()
        self.table.pop((path, address), None)

    async def exported(self) -> Collection[tuple[str, str]]:
        self._check()
        return frozenset(self.table)

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken
