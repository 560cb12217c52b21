"""Accounting in memory, held to the same contract as the one on disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable

from attrs import Factory, define
from zope.interface import implementer

from vcycle.core.accounting.jobs import counts, job_text
from vcycle.core.errors import StoreError
from vcycle.core.machine import Record
from vcycle.interfaces import IAccounts
from vcycle.testing.store import Killed


@define
class Spool:
    """
    What is durable: texts of job records by uuid, and whether a pending one is to be sent.

    While ``full`` is set nothing can be written.
    """

    pending: dict[str, tuple[str, bool]] = Factory(dict)
    archive: dict[str, str] = Factory(dict)
    outgoing: dict[str, str] = Factory(dict)
    sent: list[str] = Factory(list)
    full: bool = False

    def send(self) -> None:
        """What another program does whenever it likes: all that waits is gone."""
        self.sent += self.outgoing.values()
        self.outgoing.clear()


@implementer(IAccounts)
@define(eq=False)
class MemoryAccounts:
    """``on_write(step, what)`` is called before and after each durable write, counted from 1."""

    spool: Spool = Factory(Spool)
    on_write: Callable[[int, str], None] | None = None
    step: int = 0
    dead: bool = False

    async def account(self, records: Sequence[Record]) -> None:
        self._check()
        spool = self.spool
        for record in records:
            uuid = record.uuid
            if counts(record) and uuid not in spool.archive and uuid not in spool.pending:
                self._tell("settle")
                spool.pending[uuid] = (job_text(record), record.gocdb)
                self._tell("settle")
        for uuid, (text, queue) in list(spool.pending.items()):
            self._tell("archive")
            spool.archive.setdefault(uuid, text)
            self._tell("archive")
            if queue:
                spool.outgoing[uuid] = text
            del spool.pending[uuid]
            self._tell("queue")

    def _tell(self, what: str) -> None:
        self._check()
        self.step += 1
        if self.on_write is not None:
            try:
                self.on_write(self.step, what)
            except Killed:
                self.dead = True
                raise

    def _check(self) -> None:
        if self.dead:
            raise Killed
        if self.spool.full:
            raise StoreError("/memory/apel-pending: the disk is full: make room")
