"""Tests for vcycle.core.disks."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis.strategies import floats, integers, none, one_of, sampled_from
from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.store import record
from vcycle.core.config.model import Machinetype
from vcycle.core.disks import SECTOR, disks_for, made, volume_owner, volumes_of
from vcycle.core.machine import Disk, Forming, Model

GB = 10**9


def machinetype(**values: Any) -> Machinetype:
    usual: dict[str, Any] = {
        "space": "vac01.example.com",
        "name": "example-vm",
        "target_share": 1.0,
        "machinegroup": "example-vm",
        "machine_model": Model.VM_RAW,
        "root_image": "image",
        "kernel": None,
        "initrd": None,
        "kernel_arguments": "",
        "root_device": "vda",
        "scratch_device": "vdb",
        "user_data": None,
        "user_data_files": {},
        "min_processors": 1,
        "max_processors": 1,
        "max_wallclock_seconds": 86400,
        "min_wallclock_seconds": 0,
        "backoff_seconds": 10,
        "fizzle_seconds": 600,
        "heartbeat_file": None,
        "heartbeat_seconds": 0,
        "accounting_fqan": None,
        "disk_gb_per_processor": None,
        "machines_dir_days": 3.0,
        "root_public_key": None,
    }
    return Machinetype(**{**usual, **values})


def forms(model: Model, image: str | None = "/images/i", **values: Any) -> tuple[Forming, ...]:
    processors = values.pop("processors", 1)
    return disks_for(
        record(model=model, processors=processors),
        directory="/m/",
        image=image,
        machinetype=machinetype(**values),
    )


GROUP = "vg0"


CDROM = Forming(disk=Disk(path="/images/i", kind="raw", device="hdc", cdrom=True))
OVERLAY = Forming(disk=Disk(path="/m/root.qcow2", kind="qcow2", device="vda"), backing="/images/i")


def blank(name: str, device: str, size: int) -> Forming:
    return Forming(disk=Disk(path=f"/m/{name}.raw", kind="raw", device=device), size=size)


class DisksForTests(SynchronousTestCase):
    def test_vm_raw(self) -> None:
        """An overlay on the image, and a blank scratch disk where its size is set."""
        self.assertEqual((OVERLAY,), forms(Model.VM_RAW))
        self.assertEqual(
            (OVERLAY, blank("scratch", "vdb", 80 * GB)),
            forms(Model.VM_RAW, disk_gb_per_processor=20.0, processors=4),
        )

    def test_cernvm(self) -> None:
        """The image as a CD-ROM, and a blank root disk, of 40 GB for each processor if not set."""
        for model in (Model.CERNVM3, Model.CERNVM4):
            self.assertEqual((CDROM, blank("root", "vda", 80 * GB)), forms(model, processors=2))
            self.assertEqual(
                (CDROM, blank("root", "hda", 15 * GB)),
                forms(model, processors=2, disk_gb_per_processor=7.5, root_device="hda"),
            )

    def test_vm_direct(self) -> None:
        """Only what is asked for: an overlay if there is an image, scratch if it has a size."""
        self.assertEqual((), forms(Model.VM_DIRECT, None))
        self.assertEqual((OVERLAY,), forms(Model.VM_DIRECT))
        self.assertEqual(
            (blank("scratch", "vdb", GB),),
            forms(Model.VM_DIRECT, None, disk_gb_per_processor=1.0),
        )

    def test_volumes(self) -> None:
        """In a volume group blank disks are volumes; overlays and CD-ROMs stay files."""
        of = record(model=Model.CERNVM4, processors=2, volume_group=GROUP)
        kind = machinetype(disk_gb_per_processor=7.5)
        formings = disks_for(of, directory="/m/", image="/images/i", machinetype=kind)
        name = f"vcycle-{of.uuid}-root"
        volume = Disk(path=name, kind="raw", device="vda", pool=GROUP)
        self.assertEqual((CDROM, Forming(disk=volume, size=15 * GB)), formings)
        self.assertIn(name, volumes_of(of))
        self.assertEqual((), made(formings))
        self.assertEqual((), volumes_of(record()))

    def test_owners(self) -> None:
        """Only names of machines' volumes have an owner."""
        of = record(volume_group=GROUP)
        self.assertEqual({of.uuid}, {volume_owner(name) for name in volumes_of(of)})
        for name in ("home", f"vcycle-{of.uuid}-root2", "vcycle-root", f"x-vcycle-{of.uuid}-root"):
            self.assertIsNone(volume_owner(name))

    def test_no_image(self) -> None:
        """The models that need an image say so."""
        for model in (Model.VM_RAW, Model.CERNVM3, Model.CERNVM4):
            with self.assertRaises(ValueError) as caught:
                forms(model, None)
            self.assertIn("root_image", str(caught.exception))

    @given(
        sampled_from(Model),
        one_of(none(), floats(min_value=0.001, max_value=10_000)),
        integers(1, 1000),
    )
    def test_all(self, model: Model, size: float | None, processors: int) -> None:
        """All that is made is below the directory, in whole sectors, each on its own device."""
        formings = forms(model, disk_gb_per_processor=size, processors=processors)
        paths = made(formings)
        self.assertNotIn("/images/i", paths)
        for forming in formings:
            if forming.disk.path in paths:
                self.assertTrue(forming.disk.path.startswith("/m/"))
            if forming.size is not None:
                self.assertEqual(0, forming.size % SECTOR)
        self.assertEqual(len(formings), len({f.disk.device for f in formings}))
        self.assertEqual(len(formings), len({f.disk.path for f in formings}))
