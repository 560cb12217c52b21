"""What machines have of the host beside their own files: volumes, and shared directories."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Collection
from typing import Callable

from attrs import define, field

from vcycle.core.config.model import Machinetype, Space
from vcycle.core.disks import Pool, has_volume, volume_owner, volumes_of
from vcycle.core.errors import DiskError, HostFault, VcycleError
from vcycle.core.leavings import Leavings
from vcycle.core.machine import Forming, Record, Shared, Survey
from vcycle.core.sharing import NFS, forgotten, missing, mounts, share
from vcycle.daemon import events
from vcycle.daemon.hypervisor import Hypervisor
from vcycle.interfaces import IExports, IVolumes, RunInThread

NO_POOLS = "volume_group: this provider has no storage pools"
NO_EXPORTS = "sharing = nfs: nothing here exports directories"
TOLD = 100
"""Alarms that are remembered, so as not to be repeated."""


@define(kw_only=True)
class Lending:
    """
    Lends to the machines of one space, and takes back.

    ``pool`` is the space's volume group as it was last seen. What belongs to no machine any
    more, because its end was lost, is removed once it has seemed so for a while.
    """

    hypervisor: Hypervisor
    in_thread: RunInThread
    clock: Callable[[], float]
    exports: IExports | None = None
    pool: Pool | None = field(default=None, init=False)
    _no_pool: str | None = field(default=None, init=False)
    _no_exports: str | None = field(default=None, init=False)
    _volumes: Leavings[tuple[str, str]] = field(factory=Leavings, init=False)
    _exported: Leavings[tuple[str, str]] = field(factory=Leavings, init=False)
    _told: set[str] = field(factory=set, init=False)

    async def look(self, space: Space, survey: Survey | None, records: Collection[Record]) -> None:
        """See what is there, remove what was left, and have again what machines should have."""
        groups = {record.volume_group for record in records} | {space.volume_group}
        self.pool, self._no_pool, self._no_exports = None, None, None
        left: set[tuple[str, str]] = set()
        for group in sorted(group for group in groups if group is not None):
            try:
                volumes, pool = await self._look_at_pool(group, survey)
            except VcycleError as error:
                if group == space.volume_group:
                    self._no_pool = str(error)
                continue
            left.update((group, name) for name in volumes)
            if group == space.volume_group:
                self.pool = pool
        for group, name in self._volumes.ripe(left, self.clock()):
            if await self._attempt(space, self._pools().remove(group, name)):
                del self._volumes.suspects[group, name]
        if space.sharing == NFS or any(record.exports for record in records):
            try:
                await self._look_at_exports(space, records)
            except VcycleError as error:
                self._no_exports = str(error)

    def left(self, now: float) -> frozenset[tuple[str, str]]:
        """What is of no machine any more and could not be removed: its kind, and its name."""
        volumes = (("volume", f"{group}/{name}") for group, name in self._volumes.overdue(now))
        exports = (("export", f"{path} to {to}") for path, to in self._exported.overdue(now))
        return frozenset([*volumes, *exports])

    async def _look_at_pool(
        self, group: str, survey: Survey | None
    ) -> tuple[Collection[str], Pool]:
        """The volumes that belong to no machine that is known or listed, and the pool."""
        pools = self._pools()
        listed = await pools.listed(group)
        pool = Pool(free=await pools.room(group), ours=sum(listed.values()))
        if survey is None or not survey.complete:
            return (), pool
        living = {sighting.uuid for sighting in survey.sightings}
        owners = {name: volume_owner(name) or "" for name in listed}
        return [
            name
            for name, owner in owners.items()
            if owner not in living and not self.hypervisor.book.knows(owner)
        ], pool

    async def _look_at_exports(self, space: Space, records: Collection[Record]) -> None:
        exports, network = self._exports(), self.hypervisor.network
        exported = await exports.exported()
        if network is None:
            return
        left = forgotten(exported, network, self.hypervisor.book.by_address)
        for path, address in self._exported.ripe(left, self.clock()):
            if await self._attempt(space, exports.withdraw(path, address)):
                del self._exported.suspects[path, address]
        for record in missing(exported, records):
            # A machine that just starts gets its own in its turn.
            if record.started_at is not None and record.doom is None:
                machinetype = space.machinetypes.get(record.machinetype)
                writable = {p: rw for _, p, rw in (machinetype.shared_dirs if machinetype else ())}
                for path in record.exports:
                    again = exports.export(path, record.address or "", writable.get(path, False))
                    await self._attempt(space, again)

    async def _attempt(self, space: Space, call: Awaitable[None]) -> bool:
        """Was it done? What was not can wait until the next look: an operator is told once."""
        try:
            await call
            return True
        except VcycleError as error:
            if str(error) not in self._told:
                if len(self._told) >= TOLD:
                    self._told.clear()
                self._told.add(str(error))
                events.alarmed(space.name, str(error))
            return False

    async def ready(self, machinetype: Machinetype, space: Space) -> None:
        """
        Nothing is known that would keep a machine from having what it needs.

        :raises DiskError: something is; the text says what, and the cure.
        """
        if self._no_pool is not None and has_volume(machinetype, space.volume_group):
            raise HostFault(self._no_pool)
        await self.choose(machinetype, space)

    async def choose(self, machinetype: Machinetype, space: Space) -> tuple[Shared, ...]:
        """How the machinetype's directories are shared; raises as ``ready``."""
        directories = machinetype.shared_dirs
        if not directories:
            return ()
        try:
            ways = await self.hypervisor.ways()
        except VcycleError as error:
            raise HostFault(f"shared_dirs: {error}") from error
        shared = share(directories, space.sharing, ways, self.hypervisor.network is not None)
        if any(one.how == NFS for one in shared):
            self._exports()
            if self._no_exports is not None:
                raise HostFault(self._no_exports)
        if self.hypervisor.local:
            problem = await self.in_thread(lambda: directories_problem(shared))
            if problem is not None:
                raise DiskError(f"shared_dirs: {problem}")
        return shared

    def told(self, shared: Collection[Shared]) -> str:
        """What a machine is told of its directories."""
        network = self.hypervisor.network
        return mounts(shared, None if network is None else network.host)

    async def lend(
        self, record: Record, formings: Collection[Forming], shared: Collection[Shared]
    ) -> None:
        """
        Make a machine's volumes, and export its directories; ``take_back`` is the opposite.

        :raises DiskError: something cannot be had.
        """
        for forming in formings:
            pool, size = forming.disk.pool, forming.size
            if pool is not None and size is not None:
                await self._pools().create(pool, forming.disk.path, size)
        for path, address in self._exported.suspects:
            if address == record.address:
                await self._exports().withdraw(path, address)
        for one in shared:
            if one.how == NFS and record.address is not None:
                await self._exports().export(one.path, record.address, one.writable)

    async def take_back(self, record: Record) -> str | None:
        """
        Remove all that a machine was lent; why its end has to wait, or None.

        A volume that stays is removed later. While an export stays nobody else may get the
        machine's address, or it would get that export too.
        """
        for name in volumes_of(record):
            try:
                await self._pools().remove(record.volume_group or "", name)
            except VcycleError as error:
                events.alarmed(record.space, f"{error}; it is tried again")
        for path in record.exports:
            try:
                if record.address is not None:
                    await self._exports().withdraw(path, record.address)
            except VcycleError as error:
                return f"{record.name} cannot end: {error}"
        return None

    def _pools(self) -> IVolumes:
        if self.hypervisor.volumes is None:
            raise HostFault(NO_POOLS)
        return self.hypervisor.volumes

    def _exports(self) -> IExports:
        if self.exports is None:
            raise HostFault(NO_EXPORTS)
        return self.exports


def directories_problem(shared: Collection[Shared]) -> str | None:
    """Blocking: which directory cannot be shared, and why; None if all can."""
    for one in shared:
        real = os.path.realpath(one.path)
        if not os.path.isdir(one.path):
            return (
                f"{one.path}: there is no such directory, or the daemon's user cannot see it;"
                " make it, and see its permissions (/home and /tmp are hidden from the unit)"
            )
        if real != os.path.normpath(one.path):
            return f"{one.path} leads to {real} by a symbolic link; name that directory itself"
    return None
