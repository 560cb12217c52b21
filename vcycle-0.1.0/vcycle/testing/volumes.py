"""Volumes in memory, held to the same contract as those of libvirt's storage pools."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, define
from zope.interface import implementer

from vcycle.core.disks import volume_owner
from vcycle.core.errors import DiskError, HostFault
from vcycle.interfaces import IVolumes


@implementer(IVolumes)
@define
class MemoryVolumes:
    """``sizes`` of the pools, and their ``volumes`` by pool and name; ``broken`` fails all."""

    sizes: dict[str, int]
    volumes: dict[tuple[str, str], int] = Factory(dict)
    broken: DiskError | None = None

    async def create(self, group: str, name: str, size: int) -> None:
        free = await self.room(group)
        if (group, name) not in self.volumes:
            if size > free:
                raise HostFault(f"{name}: {size} bytes, but only {free} are free in {group}")
            self.volumes[group, name] = size

    async def remove(self, group: str, name: str) -> None:
        await self.room(group)
        self.volumes.pop((group, name), None)

    async def room(self, group: str) -> int:
        if self.broken is not None:
            raise self.broken
        if group not in self.sizes:
            raise HostFault(f"there is neither a storage pool nor a volume group {group}")
        return self.sizes[group] - sum(s for (of, _), s in self.volumes.items() if of == group)

    async def listed(self, group: str) -> Mapping[str, int]:
        await self.room(group)
        return {
            name: size
            for (of, name), size in self.volumes.items()
            if of == group and volume_owner(name) is not None
        }
