"""The promises of IVolumes, to be run against all that makes volumes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, TypeVar, cast

from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from tests.contracts.provider import story
from tests.contracts.specs import uuid
from vcycle.core.disks import volume_name
from vcycle.core.errors import DiskError
from vcycle.interfaces import IVolumes

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase as Base
else:
    Base = ABC

R = TypeVar("R")
SIZE = 8 << 20
ONE, OTHER = volume_name(uuid(1), "root"), volume_name(uuid(2), "scratch")


class VolumesContract(Base):
    """
    Mix into a TestCase that sets ``volumes`` and ``group``, an empty pool with room for a few
    volumes, in ``setUp``.
    """

    volumes: IVolumes
    group: str

    @abstractmethod
    async def another(self, name: str) -> None:
        """A volume that is none of ours."""

    @abstractmethod
    async def all_names(self) -> set[str]:
        """Every volume of the pool, whoever's it is."""

    async def refused(self, call: Awaitable[R]) -> str:
        try:
            await call
        except DiskError as error:
            return str(error)
        raise AssertionError("no DiskError")

    def test_interface(self) -> None:
        """It declares and provides the whole interface."""
        self.assertTrue(verifyObject(IVolumes, self.volumes))

    @story
    async def test_life(self) -> None:
        """A volume is there once made and gone once removed, however often asked."""
        for _ in range(2):
            await self.volumes.create(self.group, ONE, SIZE)
            self.assertEqual({ONE: SIZE}, dict(await self._listed()))
        for _ in range(2):
            await self.volumes.remove(self.group, ONE)
            self.assertEqual({}, dict(await self._listed()))

    @story
    async def test_room(self) -> None:
        """What volumes take is not free, and is free again when they are gone."""
        before = await self.volumes.room(self.group)
        await self.volumes.create(self.group, ONE, SIZE)
        await self.volumes.create(self.group, OTHER, 2 * SIZE)
        self.assertGreaterEqual(before - 3 * SIZE, await self.volumes.room(self.group))
        await self.volumes.remove(self.group, ONE)
        await self.volumes.remove(self.group, OTHER)
        self.assertGreaterEqual(await self.volumes.room(self.group), before - SIZE)

    @story
    async def test_no_room(self) -> None:
        """A volume that is larger than what is free is refused, and nothing of it is left."""
        said = await self.refused(self.volumes.create(self.group, ONE, 1 << 60))
        self.assertIn(self.group, said)
        self.assertEqual({}, dict(await self._listed()))

    @story
    async def test_foreign(self) -> None:
        """Others' volumes are not listed, and stay."""
        await self.another("home")
        await self.another(f"{ONE}-copy")
        await self.volumes.create(self.group, ONE, SIZE)
        self.assertEqual({ONE}, set(await self._listed()))
        await self.volumes.remove(self.group, ONE)
        self.assertEqual({"home", f"{ONE}-copy"}, await self.all_names())

    async def _listed(self) -> Mapping[str, int]:
        return await cast("Deferred[Mapping[str, int]]", self.volumes.listed(self.group))
