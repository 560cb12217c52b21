"""The libvirt provider keeps the contract on libvirt's own test driver."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.contracts.libvirt import OnLibvirt
from tests.contracts.provider import ProviderContract, story
from tests.contracts.specs import uuid
from vcycle.core.machine import Condition

# Each connection to a file of its own has machines of its own.
NODE = (
    "<node><cpu><mhz>2000</mhz><model>x86_64</model><active>8</active><nodes>1</nodes>"
    "<sockets>1</sockets><cores>8</cores><threads>1</threads></cpu><memory>16777216</memory></node>"
)


class LibvirtTestDriverTests(OnLibvirt, ProviderContract, TestCase):
    def setUp(self) -> None:
        node = Path(self.mktemp())
        node.write_text(NODE, encoding="utf-8")
        self.provider = self.connect(f"test://{node.resolve()}")

    @story
    async def test_room(self) -> None:
        """The capacity is that of the hypervisor."""
        room = await self.libvirt.capacity()
        self.assertEqual((8, 16384), (room.processors, room.memory_mb))

    @story
    async def test_paused(self) -> None:
        """A paused machine is told from a running one."""
        await self.libvirt.create(self.spec(1))
        await self.behind(lambda c: c.lookupByUUIDString(uuid(1)).suspend())
        listed, _ = await self.look()
        self.assertIs(Condition.PAUSED, listed[uuid(1)].condition)
        self.assertIn("paused", listed[uuid(1)].raw)


class LibvirtSharedTestDriverTests(OnLibvirt, TestCase):
    @story
    async def test_default(self) -> None:
        """``test:///default`` works too, and shows the machine that it is born with as foreign."""
        provider = self.connect("test:///default")
        self.assertIn("test driver", await provider.prepare())
        seen = await provider.survey([])
        self.assertEqual([("test", None)], [(s.name, s.mark) for s in seen.sightings])
