"""Accounting keeps the same promises on disk and in memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable

from dirq.QueueSimple import QueueSimple
from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.accounts import AccountsContract
from tests.inplace import in_place
from vcycle.interfaces import IAccounts
from vcycle.store.accounts import Accounts
from vcycle.testing.accounts import MemoryAccounts, Spool


class MemoryAccountsTests(AccountsContract, SynchronousTestCase):
    def new_disk(self) -> Any:
        return Spool()

    def accounts_on(self, disk: Any, step: Callable[[], None]) -> IAccounts:
        return MemoryAccounts(disk, on_write=lambda number, what: step())

    def archived(self, disk: Any) -> Sequence[str]:
        return list(disk.archive.values())

    def send(self, disk: Any) -> Sequence[str]:
        before = len(disk.sent)
        disk.send()
        sent: list[str] = disk.sent
        return sent[before:]


class AccountsTests(AccountsContract, SynchronousTestCase):
    def new_disk(self) -> Any:
        directory = self.mktemp()
        os.makedirs(directory)
        return directory

    def accounts_on(self, disk: Any, step: Callable[[], None]) -> IAccounts:
        return Accounts(disk, in_place, step=lambda what, path: step())

    def archived(self, disk: Any) -> Sequence[str]:
        found = sorted(Path(disk, "apel-archive").glob("*/[!.]*"))
        return [path.read_text("ascii") for path in found]

    def send(self, disk: Any) -> Sequence[str]:
        """Whatever dirq finds in the queue, which it then removes, the days too."""
        queue, sent = QueueSimple(str(Path(disk, "apel-outgoing"))), []
        for name in queue:
            self.assertTrue(queue.lock(name))
            sent.append(queue.get(name).decode("ascii"))
            queue.remove(name)
        queue.purge()
        return sent
