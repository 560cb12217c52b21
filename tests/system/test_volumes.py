"""Blank disks as volumes of storage pools, under a real libvirtd."""

from __future__ import annotations

import subprocess
from pathlib import Path

import libvirt

from tests.system.case import BOOTS, SPACE
from tests.system.domains import end_all, pids
from tests.system.lvm import EXTENT, VolumeGroup
from tests.system.systemcase import OnSystem
from vcycle.core.disks import volume_name
from vcycle.core.machine import Record

MEGABYTE = 10**6
# Looks at its only disk, writes on it, and stays.
LOOKS = """\
cat /sys/class/block/vda/size | put size
echo 'written by a guest' > /dev/vda && sync && put disk < /dev/null
sleep 100000
"""


class VolumeTests(OnSystem):
    def story(self, group: str) -> Record:
        """
        A machine's volume is there while the machine is, and holds what it wrote. It outlives a
        libvirtd that dies; it goes with the machine, though our daemon was dead then.
        """
        machinetype = self.working("looks", LOOKS, disk_gb_per_processor=0.05, fizzle_seconds=1)
        greedy = self.idle("greedy", disk_gb_per_processor=1000)
        self.configure(self.space(total_machines=2, volume_group=group), machinetype, greedy)
        self.daemon.start()
        record = self._wrote()
        word, text = self.daemon.verdict(SPACE, "greedy")
        self.assertEqual("no-room", word, text)
        self.assertIn(f"no room for its volume of 1000.0 GB: 0.1 GB are free in {group}", text)
        self.assertEqual([], [r for r in self.daemon.records() if r.machinetype == "greedy"])
        self.assertEqual(group, record.volume_group)
        size = int(self.daemon.output(record, "size") or 0) * 512
        self.assertTrue(50 * MEGABYTE - 512 < size <= 50 * MEGABYTE + EXTENT, size)
        path = self._paths(group)[volume_name(record.uuid, "scratch")]
        self.assertEqual(b"written by a guest", Path(path).read_bytes()[:18])
        before = set(pids())
        self.daemon.kill()
        self.libvirtd.kill()
        self.libvirtd.start()
        self.assertEqual(before, self._listed())
        end_all()
        self.configure(
            self.space(total_machines=2, volume_group=group, draining="yes"), machinetype
        )
        self.daemon.start()
        self.daemon.until("its end is written", lambda: self.daemon.ended("looks"))
        self.daemon.until("it has no living machines", lambda: not self.daemon.living())
        self.assertEqual({}, self._paths(group))
        return record

    def test_directory(self) -> None:
        """A pool that the administrator has made, here of a directory."""
        place = self.place / "pool"
        place.mkdir()
        image = self.place / "small.img"
        connection = self.libvirtd.connect()
        self.addCleanup(connection.close)
        with image.open("wb") as file:
            file.truncate(160 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(place)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(place)], check=False)
        xml = f"<pool type='dir'><name>vcdir</name><target><path>{place}</path></target></pool>"
        pool = connection.storagePoolDefineXML(xml, 0)
        self.addCleanup(self._undefine, "vcdir")
        pool.setAutostart(True)
        self.story("vcdir")

    def test_group(self) -> None:
        """A volume group that libvirt knows nothing of: it makes a pool of it when asked."""
        group = VolumeGroup(self.place / "lvm", "vcvg", 160 << 20)
        self.addCleanup(group.end)
        group.begin()
        record = self.story("vcvg")
        name = volume_name(record.uuid, "scratch")
        acts = [line for line in group.commands if line.split()[0] in ("lvcreate", "lvremove")]
        mine = [line for line in acts if name in line]
        self.assertEqual(["lvcreate", "lvremove"], [line.split()[0] for line in mine])
        self.assertIn(f"--name {name} -L {50 * MEGABYTE // 1024}K", mine[0])
        connection = self.libvirtd.connect()
        self.addCleanup(connection.close)
        self.assertFalse(connection.storagePoolLookupByName("vcvg").isPersistent())
        self._undefine("vcvg")

    def _wrote(self) -> Record:
        def look() -> Record | None:
            for record in self.daemon.living():
                if self.daemon.output(record, "disk") is not None:
                    return record
            return None

        found = self.daemon.until("a machine has written on its disk", look, BOOTS)
        assert isinstance(found, Record)
        return found

    def _paths(self, group: str) -> dict[str, str]:
        """The volumes of a pool by name."""
        connection = self.libvirtd.connect()
        try:
            pool = connection.storagePoolLookupByName(group)
            pool.refresh(0)
            volumes = {volume.name(): volume.path() for volume in pool.listAllVolumes(0)}
        finally:
            connection.close()
        return {name: path for name, path in volumes.items() if name.startswith("vcycle-")}

    def _listed(self) -> set[str]:
        connection = self.libvirtd.connect()
        try:
            return {domain.UUIDString() for domain in connection.listAllDomains()}
        finally:
            connection.close()

    def _undefine(self, name: str) -> None:
        connection = self.libvirtd.connect()
        try:
            pool = connection.storagePoolLookupByName(name)
            if pool.isActive():
                pool.destroy()
            if name == "vcdir":
                pool.undefine()
        except libvirt.libvirtError:
            pass
        finally:
            connection.close()


del OnSystem
