"""All that forms disks keeps the same promises."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.disks import MEGABYTE, DisksContract
from tests.inplace import in_place
from vcycle.disks.qemu import QemuDisks
from vcycle.testing.disks import MemoryDisks


class MemoryDisksTests(DisksContract, SynchronousTestCase):
    def setUp(self) -> None:
        self.directory, self.image = "/disks", "/images/base.raw"
        self.memory = self.disks = MemoryDisks(images={self.image})

    def existing(self) -> set[str]:
        return {os.path.basename(path) for path in self.memory.formed}


class QemuDisksTests(DisksContract, SynchronousTestCase):
    def setUp(self) -> None:
        root = os.path.abspath(self.mktemp())
        self.directory, self.image = f"{root}/disks", f"{root}/base.raw"
        os.makedirs(self.directory)
        with open(self.image, "wb") as file:
            file.truncate(MEGABYTE)
        self.disks = QemuDisks(in_place)

    def existing(self) -> set[str]:
        return set(os.listdir(self.directory))
