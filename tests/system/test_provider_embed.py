"""
The libvirt provider keeps the contract on QEMU, through libvirt's embedded driver.

The machines have nothing to boot from, and user networking: so this is to be run in a
network namespace without a route out.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.trial.unittest import TestCase

from tests.contracts.libvirt import OnLibvirt
from tests.contracts.provider import ProviderContract, story
from tests.contracts.specs import OWNER, spec, uuid
from vcycle.core.errors import BadRequest, ProviderError
from vcycle.core.machine import Condition, Disk, Spec
from vcycle.providers.libvirt.reap import Reaper, adopt_orphans

# libvirt embeds once per process, at a path short enough for the names of sockets.
ROOT = Path(tempfile.mkdtemp(prefix="vc", dir="/tmp"))
atexit.register(shutil.rmtree, ROOT, True)
URI = f"qemu:///embed?root={ROOT}/root"


class EmbeddedTests(OnLibvirt, ProviderContract, TestCase):
    kind = "qemu"

    def setUp(self) -> None:
        adopt_orphans()
        self.provider = self.connect(URI)
        reaping = LoopingCall(Reaper().reap)
        reaping.start(0.05)
        self.addCleanup(reaping.stop)
        self.addCleanup(self.clean)

    def clean(self) -> Deferred[None]:
        """Leave no machine to the next test."""
        self.libvirt.startService()
        return self.behind(lambda c: [domain.destroy() for domain in c.listAllDomains()] and None)

    def spec(self, number: int, **changes: object) -> Spec:
        (ROOT / "consoles").mkdir(exist_ok=True)
        console = str(ROOT / "consoles" / f"{number}.log")
        return spec(number, **{"console": console, **changes})  # type: ignore[arg-type]

    @story
    async def test_reason(self) -> None:
        """It is said whether machines run under KVM or in emulation, and why."""
        self.assertRegex(await self.libvirt.prepare(), "^(KVM|emulation).*: .+")

    @story
    async def test_cpu_time(self) -> None:
        """The CPU time of a running machine grows."""
        await self.libvirt.create(self.spec(1))
        before = after = 0.0
        while after <= before:
            listed, _ = await self.look(1)
            before, after = before or after, listed[uuid(1)].cpu_seconds
        self.assertGreater(after, before)

    @story
    async def test_paused(self) -> None:
        """A paused machine is told from a running one."""
        await self.libvirt.create(self.spec(1))
        await self.behind(lambda c: c.lookupByUUIDString(uuid(1)).suspend())
        listed, _ = await self.look()
        self.assertIs(Condition.PAUSED, listed[uuid(1)].condition)

    @story
    async def test_console(self) -> None:
        """The console's file says that there was nothing to boot."""
        wanted = self.spec(1)
        await self.libvirt.create(wanted)
        console = Path(wanted.console)
        await self.settle(lambda: "No bootable device" in console.read_text(errors="replace"))

    @story
    async def test_no_disk(self) -> None:
        """A disk that is not there fails the request, in libvirt's words, and makes nothing."""
        disk = Disk(path=str(ROOT / "missing.qcow2"), kind="qcow2", device="vda")
        error = await self.refused(ProviderError, self.libvirt.create(self.spec(1, disks=(disk,))))
        self.assertIn("missing.qcow2", str(error))
        listed, _ = await self.look()
        self.assertEqual({}, listed)

    @story
    async def test_bad_disk(self) -> None:
        """A device that libvirt refuses is the machinetype's fault."""
        disk = Disk(path=str(ROOT / "disk.raw"), kind="raw", device="nonsense")
        await self.refused(BadRequest, self.libvirt.create(self.spec(1, disks=(disk,))))

    @story
    async def test_again_after_stop(self) -> None:
        """Machines outlive the provider, and are listed with their marks by the next one."""
        wanted = self.spec(1)
        await self.libvirt.create(wanted)
        first = self.libvirt
        first.stopService()
        self.provider = self.connect(URI)
        self.libvirt = first  # for the cleaning
        listed, _ = await self.look(1)
        self.assertEqual(wanted.mark, listed[uuid(1)].mark)
        await self.provider.destroy(wanted.record, OWNER)
