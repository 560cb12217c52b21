"""Tests for vcycle.core.disks: where the CD-ROM of a seed goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.disks import DISK_FILES, SEED_FILE, made, with_seed
from vcycle.core.machine import Disk, Forming, Seed

SEED = Seed(label="cidata", files=())


def formings(*devices: str) -> tuple[Forming, ...]:
    return tuple(
        Forming(disk=Disk(path=f"/d/{device}", kind="raw", device=device), size=512)
        for device in devices
    )


class SeedingTests(SynchronousTestCase):
    def test_none(self) -> None:
        """Without a seed nothing changes."""
        self.assertEqual(formings("vda"), with_seed(formings("vda"), None, "/m/"))

    def test_last(self) -> None:
        """It comes last, after an image's CD-ROM, which is the one that is booted from."""
        found = with_seed(formings("hdc", "vda"), SEED, "/m/")[-1]
        self.assertEqual(Disk(path="/m/seed.iso", kind="raw", device="hdd", cdrom=True), found.disk)
        self.assertIs(SEED, found.seed)

    def test_goes_with_the_machine(self) -> None:
        """It is made for the machine, and removed with it."""
        self.assertIn("/m/seed.iso", made(with_seed(formings("vda"), SEED, "/m/")))
        self.assertIn(SEED_FILE, DISK_FILES)

    @given(st.sets(st.sampled_from(["hda", "hdb", "hdc", "hdd", "vda", "sda"]), max_size=3))
    def test_device(self, taken: set[str]) -> None:
        """It never takes the place of another disk."""
        found = with_seed(formings(*sorted(taken)), SEED, "/m/")
        devices = [forming.disk.device for forming in found]
        self.assertEqual(len(devices), len(set(devices)))
