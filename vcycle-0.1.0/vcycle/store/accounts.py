"""What is owed to accounting, on disk: the job records of machines, each exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable, TypeVar

from attrs import define, field
from zope.interface import implementer

from vcycle.core.accounting.waiting import Waiting
from vcycle.core.errors import CallTimedOut, StoreError
from vcycle.core.machine import Record
from vcycle.interfaces import IAccounts, RunInThread
from vcycle.store.apel.place import Place
from vcycle.store.apel.posting import account
from vcycle.store.apel.reading import waiting
from vcycle.store.atomic import Step, quietly, told

R = TypeVar("R")


@implementer(IAccounts)
@define(eq=False)
class Accounts:
    """
    The spool of one state directory, which all its spaces share.

    ``in_thread`` runs all that touches the disk; ``step`` is told before each change of it.
    """

    state_dir: str
    in_thread: RunInThread
    step: Step = quietly
    _place: Place = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._place = Place(self.state_dir, self.step)

    async def account(self, records: Sequence[Record]) -> None:
        wanted = tuple(records)
        await self._run(lambda: account(self._place, wanted))

    async def waiting(self) -> Waiting:
        """
        How many records wait to be sent, and since when.

        :raises StoreError: that cannot be read.
        """
        return await self._run(lambda: waiting(self._place))

    async def _run(self, work: Callable[[], R]) -> R:
        def guarded() -> R:
            with told(self._place.state_dir):
                return work()

        try:
            return await self.in_thread(guarded)
        except CallTimedOut as error:
            raise StoreError(
                f"{self._place.state_dir}: the disk did not answer in time, and the accounting"
                " records may yet be written; see the kernel's log"
            ) from error
