"""Tests for vcycle.daemon.lending: what machines are lent, and what becomes of it."""

from __future__ import annotations

import os
from typing import Any

from attrs import evolve
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import machinetype, running, sighting, space, survey
from tests.daemon.ground import MATERIALS, Ground, creation
from tests.daemon.spoken import lines
from vcycle.core.disks import Pool, volume_name
from vcycle.core.errors import DiskError, HostFault, Scope
from vcycle.core.leavings import SETTLED
from vcycle.core.machine import Outcome, Record
from vcycle.daemon.creation import Made
from vcycle.testing.volumes import MemoryVolumes

GROUP = "vg0"
GB = 10**9


class LendingCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.ground = Ground()
        self.ground.hypervisor.server.ensure()
        self.path = os.path.realpath(self.mktemp())
        os.mkdir(self.path)
        self.said: list[str] = []

    def kind(self, **changes: Any) -> Any:
        return machinetype(**{"shared_dirs": (("data", self.path, False),), **changes})

    def make(self, of: Any, **changes: Any) -> Made:
        """A machine of a machinetype, in a space with these options."""
        wanted = evolve(creation(), machinetype=of)
        made: Made = self.successResultOf(
            self.ground.maker.make(wanted, MATERIALS, space(of, **changes), self.ground.knowledge)
        )
        return made

    def look(self, *sightings: Any, **changes: Any) -> None:
        records = tuple(self.ground.knowledge.records.values())
        wanted = space(self.kind(), **changes)
        with capturedLogs() as events:
            self.successResultOf(self.ground.lending.look(wanted, survey(sightings), records))
        self.said = lines(events)

    def only(self) -> Record:
        [record] = self.ground.knowledge.records.values()
        return record

    def finish(self) -> list[str]:
        over = evolve(
            self.only(), ended_at=self.ground.now(), outcome=Outcome.COMPLETED, message="200 OK"
        )
        problems: list[str] = self.successResultOf(self.ground.performer.finish([over]))
        return problems


class VolumeTests(LendingCase):
    def test_life(self) -> None:
        """A blank disk is a volume from before the machine is asked for until after its end."""
        self.assertEqual(
            Made(), self.make(machinetype(disk_gb_per_processor=2.0), volume_group=GROUP)
        )
        record = self.only()
        self.assertEqual((GROUP, 2 * GB), (record.volume_group, record.scratch_bytes))
        name = volume_name(record.uuid, "scratch")
        self.assertEqual({(GROUP, name): 2 * GB}, self.ground.volumes.volumes)
        [made] = self.ground.provider.specs.values()
        self.assertIn((GROUP, name), [(disk.pool, disk.path) for disk in made.disks])
        self.assertFalse(any(name in path for path in self.ground.disks.formed))
        self.assertEqual([], self.finish())
        self.assertEqual({}, self.ground.volumes.volumes)

    def test_no_volume(self) -> None:
        """A machine that has no blank disk has nothing to do with the group."""
        direct = machinetype(machine_model=self.kind().machine_model.VM_DIRECT, root_image=None)
        self.make(direct, volume_group=GROUP)
        self.assertEqual((None, 0), (self.only().volume_group, self.only().scratch_bytes))

    def test_refused(self) -> None:
        """A group that gives no volume is the host's fault: no abort, and no more now."""
        self.ground.volumes.broken = HostFault("no answer")
        made = self.make(machinetype(disk_gb_per_processor=2.0), volume_group=GROUP)
        assert made.failed is not None
        self.assertEqual((Scope.SPACE, False), (made.scope, made.failed.abort))

    def test_pool(self) -> None:
        """What is free, and what machines have, is known after each look."""
        self.ground.volumes.volumes[GROUP, volume_name(running(1).uuid, "root")] = 5 * GB
        self.look(volume_group=GROUP)
        self.assertEqual(Pool(free=(1 << 40) - 5 * GB, ours=5 * GB), self.ground.lending.pool)
        self.look()
        self.assertIsNone(self.ground.lending.pool)

    def test_not_ready(self) -> None:
        """Without the group, machinetypes that need it wait, and say why; others do not."""
        self.look(volume_group="none")
        here = space(volume_group="none")
        ready = self.ground.lending.ready
        failure = self.failureResultOf(ready(machinetype(), here), DiskError)
        self.assertIn("volume group none", str(failure.value))
        direct = machinetype(machine_model=self.kind().machine_model.VM_DIRECT)
        self.successResultOf(ready(direct, here))

    def test_left(self) -> None:
        """A volume of no machine is removed after a while; of one that is listed, never."""
        mine, theirs = running(1), running(2)
        names = [volume_name(record.uuid, "root") for record in (mine, theirs)]
        for name in [*names, "home"]:
            self.ground.volumes.volumes[GROUP, name] = GB
        for _ in range(2):
            self.look(sighting(theirs, mark=None), volume_group=GROUP)
            self.assertEqual(3, len(self.ground.volumes.volumes))
            self.ground.reactor.advance(SETTLED / 2)
        self.look(sighting(theirs, mark=None), volume_group=GROUP)
        self.assertEqual({(GROUP, names[1]), (GROUP, "home")}, set(self.ground.volumes.volumes))

    def test_leaks(self) -> None:
        """A volume of nobody that cannot be removed is told of as left."""
        name = volume_name(running(1).uuid, "root")
        self.ground.volumes.volumes[GROUP, name] = GB

        async def refused(of: MemoryVolumes, group: str, name: str) -> None:
            raise HostFault("busy")

        patched = self.patch(MemoryVolumes, "remove", refused)
        self.look(volume_group=GROUP)
        lending, now = self.ground.lending, self.ground.reactor.seconds
        self.assertEqual(frozenset(), lending.left(now()))
        self.ground.reactor.advance(SETTLED)
        self.look(volume_group=GROUP)
        self.assertEqual({("volume", f"{GROUP}/{name}")}, lending.left(now()))
        patched.restore()
        self.look(volume_group=GROUP)
        self.assertEqual(frozenset(), lending.left(now()))

    def test_known(self) -> None:
        """A machine that is known and not listed yet keeps its volume."""
        self.make(machinetype(disk_gb_per_processor=2.0), volume_group=GROUP)
        self.ground.book.admit(self.only(), self.ground.runner())
        for _ in range(3):
            self.look(volume_group=GROUP)
            self.ground.reactor.advance(SETTLED)
        self.assertEqual(1, len(self.ground.volumes.volumes))

    def test_stays_for_now(self) -> None:
        """A volume that cannot be removed does not keep its machine from ending."""
        self.make(machinetype(disk_gb_per_processor=2.0), volume_group=GROUP)
        self.ground.volumes.broken = HostFault("busy")
        self.assertEqual([], self.finish())
        self.assertEqual({}, self.ground.knowledge.records)


class SharingTests(LendingCase):
    def test_hypervisor(self) -> None:
        """By virtiofs or 9p the hypervisor shares, and the machine is told of it."""
        template = evolve(MATERIALS, template=b"##user_data_shared_dirs##")
        wanted = evolve(creation(), machinetype=self.kind())
        self.successResultOf(
            self.ground.maker.make(wanted, template, space(), self.ground.knowledge)
        )
        [made] = self.ground.provider.specs.values()
        self.assertEqual(
            [("data", self.path, False, "virtiofs")],
            [(one.tag, one.path, one.writable, one.how) for one in made.shared],
        )
        [files] = self.ground.disk.files.values()
        self.assertEqual(b"data virtiofs data ro", files["user_data"])
        self.assertEqual({}, self.ground.exports.table)

    def test_bad_directories(self) -> None:
        """A directory that is missing, or is somewhere else in truth, is refused."""
        link = f"{self.path}/link"
        os.symlink("/etc", link)
        for path, word in ((f"{self.path}/none", "no such"), (link, "/etc")):
            of = self.kind(shared_dirs=(("data", path, True),))
            failure = self.failureResultOf(
                self.ground.lending.ready(of, space(of)),
                DiskError,
            )
            self.assertIn(word, str(failure.value))

    def test_exports(self) -> None:
        """By NFS a machine's directories are exported to its address until its end."""
        self.assertEqual(Made(), self.make(self.kind(), sharing="nfs"))
        record = self.only()
        self.assertEqual((self.path,), record.exports)
        self.assertEqual({(self.path, record.address): False}, self.ground.exports.table)
        [made] = self.ground.provider.specs.values()
        self.assertEqual((), made.shared)
        self.assertEqual([], self.finish())
        self.assertEqual({}, self.ground.exports.table)

    def test_export_stays(self) -> None:
        """While its export cannot be withdrawn a machine does not end: its address stays its."""
        self.make(self.kind(), sharing="nfs")
        record = self.only()
        self.ground.exports.broken = HostFault("exportfs is gone")
        [problem] = self.finish()
        self.assertIn("exportfs is gone", problem)
        self.assertIn(record.uuid, self.ground.knowledge.records)
        self.ground.exports.broken = None
        self.assertEqual([], self.finish())
        self.assertEqual(({}, {}), (self.ground.exports.table, self.ground.knowledge.records))

    def test_left(self) -> None:
        """An export to a machine that is over without our knowing is withdrawn after a while."""
        table = self.ground.exports.table
        others = {("/srv", "192.0.2.1"): True, ("/srv", "192.168.7.0/24"): True}
        table.update({**others, (self.path, "192.168.7.9"): True})
        self.look(sharing="nfs")
        self.assertEqual(3, len(table))
        self.ground.reactor.advance(SETTLED)
        self.look(sharing="nfs")
        self.assertEqual(others, table)

    def test_address_again(self) -> None:
        """A machine that gets an address gets no export of a former machine's with it."""
        self.ground.exports.table["/secret", "192.168.7.1"] = True
        self.look(sharing="nfs")
        self.make(self.kind(), sharing="nfs")
        self.assertEqual("192.168.7.1", self.only().address)
        self.assertEqual({(self.path, "192.168.7.1"): False}, self.ground.exports.table)

    def test_exports_again(self) -> None:
        """Exports that somebody else ended are made again, with the access as configured."""
        self.make(self.kind(), sharing="nfs")
        record = evolve(self.only(), started_at=self.ground.now())
        self.ground.knowledge.records[record.uuid] = record
        self.ground.exports.table.clear()
        self.look(sharing="nfs")
        self.assertEqual({(self.path, record.address): False}, self.ground.exports.table)

    def test_not_ready(self) -> None:
        """Where nothing can be exported, machinetypes that need it wait, and say why."""
        self.ground.exports.broken = HostFault("exportfs needs root")
        self.look(sharing="nfs")
        of = self.kind()
        failure = self.failureResultOf(
            self.ground.lending.ready(of, space(of, sharing="nfs")),
            DiskError,
        )
        self.assertIn("needs root", str(failure.value))
        self.successResultOf(self.ground.lending.ready(machinetype(), space(sharing="nfs")))
