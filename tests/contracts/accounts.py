"""The promises of IAccounts, to be run against every implementation, and against its death."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Callable

from attrs import evolve
from zope.interface.verify import verifyObject

from tests.contracts.store import DAY, NOW, record
from vcycle.core.accounting.jobs import Job, read_job
from vcycle.core.machine import Outcome, Record
from vcycle.interfaces import IAccounts
from vcycle.testing.store import Killed

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase as Base
else:
    Base = ABC


def over(number: int = 0, seconds: float = 7000, **values: Any) -> Record:
    """A machine that ran so long, at a site that GOCDB knows."""
    usual: dict[str, Any] = {
        "started_at": NOW + 1,
        "ended_at": NOW + 1 + seconds,
        "outcome": Outcome.COMPLETED,
        "cpu_seconds": 5000.0,
        "site": "EXAMPLE-SITE",
        "gocdb": True,
    }
    return record(number, **{**usual, **values})


A, B, SHORT = over(0), over(1, seconds=2 * DAY), over(2, seconds=599.9)
PLACEHOLDER = over(3, gocdb=False, site="example.com")


class AccountsContract(Base):
    """Mix into a SynchronousTestCase with what is still to be implemented here."""

    @abstractmethod
    def new_disk(self) -> Any:
        """A disk on which nothing was ever accounted."""

    @abstractmethod
    def accounts_on(self, disk: Any, step: Callable[[], None]) -> IAccounts:
        """An IAccounts that calls ``step`` before each change of the disk."""

    @abstractmethod
    def archived(self, disk: Any) -> Sequence[str]:
        """The texts of all archived records."""

    @abstractmethod
    def send(self, disk: Any) -> Sequence[str]:
        """Take all out of the queue, as who sends it does; gives the texts."""

    def account(self, disk: Any, *records: Record) -> None:
        answer = self.accounts_on(disk, lambda: None).account(records)
        assert isinstance(answer, Coroutine)
        self.successResultOf(answer)

    def jobs(self, texts: Sequence[str]) -> list[Job]:
        return sorted(map(read_job, texts), key=lambda job: job.uuid)

    def uuids(self, texts: Sequence[str]) -> list[str]:
        return [job.uuid for job in self.jobs(texts)]

    def test_interface(self) -> None:
        """It is an IAccounts."""
        verifyObject(IAccounts, self.accounts_on(self.new_disk(), lambda: None))

    def test_written(self) -> None:
        """Machines that count are archived and queued; one that ended too soon is not."""
        disk = self.new_disk()
        self.account(disk, A, B, SHORT)
        self.assertEqual([A.uuid, B.uuid], self.uuids(self.archived(disk)))
        self.assertEqual(sorted(self.archived(disk)), sorted(self.send(disk)))

    def test_living(self) -> None:
        """Machines that never ran, or run still, are owed nothing."""
        disk = self.new_disk()
        self.account(disk, evolve(A, started_at=None), evolve(B, ended_at=None))
        self.assertEqual([], list(self.archived(disk)))

    def test_placeholder(self) -> None:
        """Without a site of GOCDB's a record is only archived, whatever is configured later."""
        disk = self.new_disk()
        self.account(disk, PLACEHOLDER)
        self.account(disk, evolve(PLACEHOLDER, gocdb=True, site="EXAMPLE-SITE"))
        [job] = self.jobs(self.archived(disk))
        self.assertEqual("example.com", job.site)
        self.assertEqual([], list(self.send(disk)))

    def test_again(self) -> None:
        """However often it is called for a machine, with whatever end, the first holds."""
        disk = self.new_disk()
        self.account(disk, A)
        first = list(self.send(disk))
        later = evolve(A, ended_at=NOW + 3 * DAY)
        self.account(disk, A, later)
        self.account(disk, later, B)
        self.assertEqual([B.uuid], self.uuids(self.send(disk)))
        self.assertIn(first[0], self.archived(disk))
        self.assertEqual([A.uuid, B.uuid], self.uuids(self.archived(disk)))

    def test_clock_set(self) -> None:
        """A clock that is set in between makes no second record."""
        for by in (-400 * DAY, -DAY, DAY, 400 * DAY):
            disk = self.new_disk()
            self.account(disk, A)
            moved = evolve(
                A,
                requested_at=A.requested_at + by,
                started_at=(A.started_at or 0) + by,
                ended_at=(A.ended_at or 0) + by,
            )
            self.account(disk, moved)
            self.assertEqual(1, len(self.archived(disk)))
            self.assertEqual(1, len(self.send(disk)))

    def test_killed_anywhere(self) -> None:
        """
        Killed at any step, with the queue emptied before the next start or not, and ends told
        differently after it: each record is archived once and was queued once.
        """
        life = [(A,), (B, SHORT, PLACEHOLDER), (over(4), over(5))]
        for emptied in (True, False):
            kill_at, done = 0, 0
            while done < len(life):
                kill_at += 1
                disk, sent = self.new_disk(), list[str]()
                done = self.live(disk, life, kill_at)
                if emptied:
                    sent += self.send(disk)
                for records in life:
                    for one in records:
                        self.account(disk, evolve(one, ended_at=(one.ended_at or 0) + 90_000))
                sent += self.send(disk)
                everybody = [A, B, SHORT, PLACEHOLDER, over(4), over(5)]
                expected = sorted(one.uuid for one in everybody)
                self.assertEqual(expected, self.uuids(self.archived(disk)), kill_at)
                expected.remove(PLACEHOLDER.uuid)
                self.assertEqual(expected, self.uuids(sent), kill_at)
                self.assertLessEqual(set(sent), set(self.archived(disk)), kill_at)
            self.assertGreater(kill_at, 5)

    def live(self, disk: Any, life: Sequence[Sequence[Record]], kill_at: int) -> int:
        """Account all, and be killed at one step; how much was done."""
        count = done = 0

        def step() -> None:
            nonlocal count
            count += 1
            if count >= kill_at:
                raise Killed

        async def run() -> None:
            nonlocal done
            accounts = self.accounts_on(disk, step)
            for records in life:
                await accounts.account(records)
                done += 1

        # Killed is no Exception, so it comes straight out of the coroutine.
        with suppress(StopIteration, Killed):
            run().send(None)
        return done
