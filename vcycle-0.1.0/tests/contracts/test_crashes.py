"""Every store can lose its daemon at any moment."""

from __future__ import annotations

from typing import Callable

from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.crashes import CrashContract
from tests.contracts.store import QUOTA, SPACE
from tests.inplace import in_place
from vcycle.interfaces import IMachineStore
from vcycle.store.machines import MachineStore
from vcycle.testing.store import Disk, MemoryStore


class MemoryStoreCrashTests(CrashContract, SynchronousTestCase):
    def new_disk(self) -> object:
        return Disk()

    def store_on(self, disk: object, step: Callable[[], None]) -> IMachineStore:
        assert isinstance(disk, Disk)
        return MemoryStore(SPACE, disk, QUOTA, on_write=lambda number, what: step())


class MachineStoreCrashTests(CrashContract, SynchronousTestCase):
    def new_disk(self) -> object:
        return self.mktemp()

    def store_on(self, disk: object, step: Callable[[], None]) -> IMachineStore:
        return MachineStore(str(disk), SPACE, in_place, QUOTA, step=lambda what, path: step())
