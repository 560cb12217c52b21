"""
Machines' volumes in libvirt's storage pools.

``LibvirtVolumes(connection)`` is an IVolumes on a Connection of this package's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Callable, TypeVar

import libvirt
from attrs import define, evolve, field
from zope.interface import implementer

from vcycle.core.disks import volume_owner
from vcycle.core.errors import HostFault, OutcomeUnknown, ProviderError
from vcycle.core.machine import Disk
from vcycle.core.volumes import pool_xml, volume_xml
from vcycle.interfaces import IVolumes
from vcycle.providers.libvirt.connection import Connection
from vcycle.providers.libvirt.failures import code, text

R = TypeVar("R")

LOOKS = 20.0
WRITES = 120.0
"""How long to wait for an answer, in seconds."""


@implementer(IVolumes)
@define(eq=False)
class LibvirtVolumes:
    """
    Uses the pool of the group's name, or has libvirt make one of the volume group.

    Storage that hangs would take libvirt's threads and ours, one with each call: so while a
    call is overdue no other one begins.
    """

    _connection: Connection
    _overdue: list[list[bool]] = field(factory=list, init=False)

    async def create(self, group: str, name: str, size: int) -> None:
        def work(connection: libvirt.virConnect) -> None:
            pool = _pool(connection, group)
            if _find(pool, name) is not None:
                return
            try:
                pool.createXML(volume_xml(name, size), 0)
            except libvirt.libvirtError as error:
                if not connection.isAlive():
                    raise
                free = pool.info()[3]
                raise HostFault(
                    f"volume {name} of {size} bytes cannot be made in {group}, where {free} are"
                    f" free: libvirt says: {text(error)}"
                ) from None

        await self._call(f"making volume {name} in {group}", work, WRITES, writing=True)

    async def remove(self, group: str, name: str) -> None:
        def work(connection: libvirt.virConnect) -> None:
            pool = _pool(connection, group)
            volume = _find(pool, name)
            if volume is None:
                return
            try:
                volume.delete(0)
            except libvirt.libvirtError:
                # Somebody else may have removed it, which the pool does not know yet.
                if not connection.isAlive() or _refresh(pool) or _find(pool, name) is not None:
                    raise

        await self._call(f"removing volume {name} from {group}", work, WRITES, writing=True)

    async def room(self, group: str) -> int:
        def work(connection: libvirt.virConnect) -> int:
            pool = _pool(connection, group)
            _refresh(pool)
            free: int = pool.info()[3]
            return free

        return await self._call(f"looking at {group}", work, LOOKS)

    async def listed(self, group: str) -> Mapping[str, int]:
        def work(connection: libvirt.virConnect) -> Mapping[str, int]:
            found = {}
            for volume in _pool(connection, group).listAllVolumes(0):
                name = volume.name()
                if volume_owner(name) is not None:
                    with suppress(libvirt.libvirtError):
                        found[name] = volume.info()[1]
            return found

        return await self._call(f"listing volumes of {group}", work, LOOKS)

    async def _call(
        self,
        doing: str,
        work: Callable[[libvirt.virConnect], R],
        deadline: float,
        writing: bool = False,
    ) -> R:
        self._overdue = [ended for ended in self._overdue if not ended]
        if self._overdue:
            raise HostFault(f"{doing}: libvirt has not answered an earlier question on storage yet")
        ended: list[bool] = []

        def visit(connection: libvirt.virConnect) -> R:
            try:
                return work(connection)
            finally:
                ended.append(True)

        try:
            return await self._connection.call(doing, visit, deadline=deadline, writing=writing)
        except OutcomeUnknown as error:
            self._overdue.append(ended)
            raise HostFault(str(error)) from error
        except ProviderError as error:
            raise HostFault(str(error)) from error


def placed(connection: libvirt.virConnect, disks: Sequence[Disk]) -> tuple[Disk, ...]:
    """
    In libvirt's threads: disks that are volumes, by their paths on the hypervisor.

    A domain that named its pool would depend on that pool for as long as it lives.
    """
    return tuple(
        disk
        if disk.pool is None
        else evolve(disk, path=_path(connection, disk.pool, disk.path), pool=None)
        for disk in disks
    )


def _path(connection: libvirt.virConnect, group: str, name: str) -> str:
    path: str = _pool(connection, group).storageVolLookupByName(name).path()
    return path


def _pool(connection: libvirt.virConnect, group: str) -> libvirt.virStoragePool:
    """
    The active pool of that name.

    One that we have made is transient: when it is gone, it is made again.

    :raises HostFault: there is no such pool, and no volume group.
    """
    pool = _lookup(connection, group)
    try:
        if pool is None:
            return connection.storagePoolCreateXML(pool_xml(group), 0)
        if not pool.isActive():
            pool.create(0)
        return pool
    except libvirt.libvirtError as error:
        if not connection.isAlive():
            raise
        other = _lookup(connection, group)  # somebody else may have been quicker
        if other is not None and other.isActive():
            return other
        what = "has no" if pool is None else "cannot start its"
        raise HostFault(
            f"volume_group {group}: libvirt {what} storage pool of that name"
            f"{' and can make none' if pool is None else ''}: {text(error)};"
            f" see: vgs {group}, virsh pool-list --all"
        ) from None


def _lookup(connection: libvirt.virConnect, group: str) -> libvirt.virStoragePool | None:
    try:
        return connection.storagePoolLookupByName(group)
    except libvirt.libvirtError as error:
        if code(error) != libvirt.VIR_ERR_NO_STORAGE_POOL:
            raise
        return None


def _find(pool: libvirt.virStoragePool, name: str) -> libvirt.virStorageVol | None:
    try:
        return pool.storageVolLookupByName(name)
    except libvirt.libvirtError as error:
        if code(error) != libvirt.VIR_ERR_NO_STORAGE_VOL:
            raise
        return None


def _refresh(pool: libvirt.virStoragePool) -> bool:
    """See what others did in it; whether that failed, as it does while a volume is being made."""
    try:
        pool.refresh(0)
    except libvirt.libvirtError:
        return True
    return False
