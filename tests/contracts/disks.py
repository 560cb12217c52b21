"""The promises of IDisks, to be run against all that forms disks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import TYPE_CHECKING

from zope.interface.verify import verifyObject

from vcycle.core.errors import DiskError
from vcycle.core.machine import Disk, Forming, Seed
from vcycle.interfaces import IDisks

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase as Base
else:
    Base = ABC

MEGABYTE = 10**6


class DisksContract(Base):
    """
    Mix into a SynchronousTestCase that sets ``disks``, ``directory`` (where they may be
    formed) and ``image`` (the path of a raw image) in ``setUp``.
    """

    disks: IDisks
    directory: str
    image: str

    @abstractmethod
    def existing(self) -> set[str]:
        """The names of the disks that are in ``directory``."""

    def form(self, *wanted: Forming) -> None:
        answer = self.disks.form(wanted)
        assert isinstance(answer, Coroutine)
        self.successResultOf(answer)

    def refused(self, *wanted: Forming) -> str:
        answer = self.disks.form(wanted)
        assert isinstance(answer, Coroutine)
        return str(self.failureResultOf(answer, DiskError).value)

    def remove(self, *names: str) -> None:
        answer = self.disks.remove([f"{self.directory}/{name}" for name in names])
        assert isinstance(answer, Coroutine)
        self.successResultOf(answer)

    def overlay(self, name: str = "root.qcow2", backing: str | None = None) -> Forming:
        disk = Disk(path=f"{self.directory}/{name}", kind="qcow2", device="vda")
        return Forming(disk=disk, backing=self.image if backing is None else backing)

    def blank(self, name: str = "scratch.raw", size: int = MEGABYTE) -> Forming:
        disk = Disk(path=f"{self.directory}/{name}", kind="raw", device="vdb")
        return Forming(disk=disk, size=size)

    def cdrom(self, path: str) -> Forming:
        return Forming(disk=Disk(path=path, kind="raw", device="hdc", cdrom=True))

    def test_interface(self) -> None:
        """It declares and provides the whole interface."""
        self.assertTrue(verifyObject(IDisks, self.disks))

    def test_life(self) -> None:
        """Disks are there once formed and gone once removed, however often asked."""
        for _ in range(2):
            self.form(self.overlay(), self.blank())
            self.assertEqual({"root.qcow2", "scratch.raw"}, self.existing())
        for _ in range(2):
            self.remove("root.qcow2", "scratch.raw")
            self.assertEqual(set(), self.existing())

    def test_nothing(self) -> None:
        """Nothing to form, and nothing to remove, are no errors."""
        self.form()
        self.remove()

    def test_seed(self) -> None:
        """A CD-ROM of files is formed and removed as all other disks are."""
        seed = Seed(label="cidata", files=(("meta-data", b"{}"), ("user-data", b"")))
        disk = Disk(path=f"{self.directory}/seed.iso", kind="raw", device="hdd", cdrom=True)
        for _ in range(2):
            self.form(self.overlay(), Forming(disk=disk, seed=seed))
            self.assertEqual({"root.qcow2", "seed.iso"}, self.existing())
        self.remove("root.qcow2", "seed.iso")
        self.assertEqual(set(), self.existing())

    def test_image_itself(self) -> None:
        """A disk that is an image is used as it is, and must be there."""
        self.form(self.cdrom(self.image))
        self.assertIn("put it back", self.refused(self.cdrom(self.image + ".gone")))

    def test_all_or_nothing(self) -> None:
        """If one disk cannot be formed, none is left of those that were not there before."""
        self.form(self.blank("before.raw"))
        gone = self.image + ".gone"
        bad = self.overlay(backing=gone)
        self.assertIn(gone, self.refused(self.blank("before.raw"), self.blank(), bad))
        self.assertEqual({"before.raw"}, self.existing())

    def test_missing_backing(self) -> None:
        """An image that is not there is named."""
        gone = self.image + ".gone"
        self.assertIn(gone, self.refused(self.overlay(backing=gone)))
        self.assertEqual(set(), self.existing())
