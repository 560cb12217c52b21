"""Every store keeps the same promises."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.store import QUOTA, SPACE, StoreContract
from tests.inplace import in_place
from vcycle.interfaces import IMachineStore
from vcycle.store.machines import MachineStore
from vcycle.testing.store import Disk, MemoryStore


class MemoryStoreTests(StoreContract, SynchronousTestCase):
    def setUp(self) -> None:
        self.disk = Disk()
        super().setUp()

    def new_store(self) -> IMachineStore:
        return MemoryStore(SPACE, self.disk, QUOTA)


class MachineStoreTests(StoreContract, SynchronousTestCase):
    def setUp(self) -> None:
        self.state_dir = self.mktemp()
        super().setUp()

    def new_store(self) -> IMachineStore:
        return MachineStore(self.state_dir, SPACE, in_place, QUOTA)
