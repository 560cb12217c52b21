"""All that makes volumes keeps the same promises."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.contracts.libvirt import OnLibvirt
from tests.contracts.provider import story
from tests.contracts.test_provider_libvirt import NODE
from tests.contracts.volumes import ONE, SIZE, VolumesContract
from vcycle.core.volumes import volume_xml
from vcycle.providers.libvirt.volumes import LibvirtVolumes
from vcycle.testing.volumes import MemoryVolumes


class MemoryVolumesTests(VolumesContract, TestCase):
    def setUp(self) -> None:
        self.group = "vg0"
        self.memory = self.volumes = MemoryVolumes({self.group: 100 << 20})

    async def another(self, name: str) -> None:
        self.memory.volumes[self.group, name] = SIZE

    async def all_names(self) -> set[str]:
        return {name for _, name in self.memory.volumes}

    @story
    async def test_no_pool(self) -> None:
        """A pool that is not there is named, whatever is asked of it."""
        for call in (
            self.volumes.create("none", ONE, SIZE),
            self.volumes.remove("none", ONE),
            self.volumes.room("none"),
            self.volumes.listed("none"),
        ):
            self.assertIn("none", await self.refused(call))


class OnPool(OnLibvirt, VolumesContract):
    """Volumes of a libvirt; mix into a TestCase that sets ``group`` in ``setUp``."""

    def on(self, uri: str) -> None:
        self.connect(uri)
        self.volumes = LibvirtVolumes(self.libvirt.connection)

    async def another(self, name: str) -> None:
        def work(connection: object) -> None:
            pool = connection.storagePoolLookupByName(self.group)  # type: ignore[attr-defined]
            pool.createXML(volume_xml(name, SIZE), 0)

        await self.volumes.room(self.group)
        await self.behind(work)

    async def all_names(self) -> set[str]:
        def work(connection: object) -> set[str]:
            pool = connection.storagePoolLookupByName(self.group)  # type: ignore[attr-defined]
            return set(pool.listVolumes())

        found: set[str] = await self.behind(work)
        return found


class LibvirtTestDriverVolumesTests(OnPool, TestCase):
    def setUp(self) -> None:
        node = Path(self.mktemp())
        node.write_text(NODE, encoding="utf-8")
        self.group = "vg0"
        self.on(f"test://{node.resolve()}")

    @story
    async def test_makes_the_pool(self) -> None:
        """Where libvirt knows no pool of the name, it makes one of the volume group, for now."""
        await self.volumes.create(self.group, ONE, SIZE)

        def work(connection: object) -> tuple[str, bool]:
            pool = connection.storagePoolLookupByName(self.group)  # type: ignore[attr-defined]
            return pool.XMLDesc(0), bool(pool.isPersistent())

        xml, lasting = await self.behind(work)
        self.assertIn("<pool type='logical'>", xml)
        self.assertIn("<name>vg0</name>", xml)
        self.assertIn("<path>/dev/vg0</path>", xml)
        self.assertFalse(lasting)

    @story
    async def test_starts_the_pool(self) -> None:
        """A pool that is defined and not started is started."""

        def define(connection: object) -> None:
            connection.storagePoolDefineXML(  # type: ignore[attr-defined]
                "<pool type='dir'><name>vg0</name><target><path>/x</path></target></pool>", 0
            )

        await self.behind(define)
        await self.volumes.create(self.group, ONE, SIZE)
        self.assertEqual({ONE}, await self.all_names())


del OnPool
