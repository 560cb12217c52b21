"""Tests for vcycle.store.accounts: what the contract does not say of files."""

from __future__ import annotations

import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Callable

from attrs import evolve
from dirq.QueueSimple import QueueSimple
from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.accounts import PLACEHOLDER, A, B, over
from tests.contracts.store import DAY, NOW
from tests.inplace import in_place
from vcycle.core.accounting.jobs import job_text, read_job
from vcycle.core.accounting.ledger import sync_text
from vcycle.core.accounting.places import names
from vcycle.core.accounting.verify import verify
from vcycle.core.accounting.waiting import Waiting
from vcycle.core.errors import StoreError
from vcycle.core.machine import Record
from vcycle.store.accounts import Accounts
from vcycle.store.apel.books import books
from vcycle.store.apel.place import ARCHIVE, Place
from vcycle.store.apel.posting import account
from vcycle.store.apel.queueing import queue, reissue
from vcycle.store.apel.reading import found, ledger, machines
from vcycle.testing.store import Killed

NAME = "8f3d4d40013d42"
"""As the uuids of all machines here begin."""


class AccountsCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Path(self.mktemp())
        self.root.mkdir()
        self.place = Place(str(self.root))

    def accounts(self, step: Callable[[str, str], None] = lambda what, path: None) -> Accounts:
        return Accounts(str(self.root), in_place, step)

    def now(self, answer: object) -> Any:
        assert isinstance(answer, Coroutine)
        return self.successResultOf(answer)

    def account(self, *records: Record) -> None:
        self.now(self.accounts().account(records))

    def refused(self, *records: Record) -> str:
        answer = self.accounts().account(records)
        return str(self.failureResultOf(answer, StoreError).value)

    def files(self, *names: str) -> list[str]:
        """All files below one of the directories."""
        top = self.root.joinpath(*names)
        return sorted(str(path.relative_to(top)) for path in top.rglob("*") if path.is_file())

    def queued(self) -> list[str]:
        """What a reader of the queue finds."""
        spool = QueueSimple(str(self.root / "apel-outgoing"))
        texts = []
        for name in spool:
            spool.lock(name)
            texts.append(spool.get(name).decode("ascii"))
            spool.unlock(name)
        return texts

    def killed(self, what: str, *records: Record) -> None:
        """Account, and be killed before a thing of some kind is done."""

        def step(doing: str, path: str) -> None:
            if doing == what:
                raise Killed

        with self.assertRaises(Killed):
            self.accounts(step).account(records).send(None)


class FileTests(AccountsCase):
    def test_places(self) -> None:
        """A record is in the day of its end under the beginning of its uuid, there and there."""
        self.account(A, PLACEHOLDER)
        self.assertEqual([f"20231115/{NAME}"], self.files("apel-outgoing"))
        self.assertEqual(2, len(self.files("apel-archive")))
        self.assertEqual([], self.files("apel-pending"))
        self.assertEqual([job_text(A)], self.queued())
        entries, damaged = ledger(self.place, "202311")
        self.assertEqual([True, False], [entry.queued for entry in entries])
        self.assertEqual(0, damaged)

    def test_modes(self) -> None:
        """Whoever sends and looks may read all, whatever the umask of the daemon."""
        former = os.umask(0o077)
        self.addCleanup(os.umask, former)
        self.account(A)
        for path in self.root.rglob("*"):
            self.assertEqual(0o755 if path.is_dir() else 0o644, path.stat().st_mode & 0o777, path)

    def test_collisions(self) -> None:
        """Machines whose uuids begin alike have names of their own, and keep them."""
        many = [over(number) for number in range(6)]
        self.account(*many)
        self.account(*many)
        self.assertEqual(6, len(self.queued()))
        self.assertEqual(6, len(self.files("apel-archive")))

    def test_names_run_out(self) -> None:
        """Where no name is free that is a problem with a place, and nothing is overwritten."""
        day = self.root / "apel-archive" / "20231115"
        day.mkdir(parents=True)
        for name in names(A.uuid):
            (day / name).write_text(job_text(over(77)), "ascii")
        self.assertIn("no name is free", self.refused(A))
        self.assertEqual([], self.files("apel-outgoing"))
        self.assertEqual({job_text(over(77))}, {path.read_text() for path in day.iterdir()})

    def test_pending_is_settled(self) -> None:
        """What a killed daemon had settled holds, though another end is told later."""
        self.killed("append", A)
        self.assertEqual(1, len(self.files("apel-pending")))
        self.account(evolve(A, ended_at=NOW + 2 * DAY))
        self.assertEqual([job_text(A)], self.queued())
        self.assertEqual([], self.files("apel-pending"))

    def test_pending_is_finished_by_any(self) -> None:
        """What is pending is finished with any machine that ends next, whether it counts or not."""
        self.killed("append", A)
        self.account(over(9, seconds=1))
        self.assertEqual([job_text(A)], self.queued())

    def test_pending_damaged(self) -> None:
        """A pending text that is damaged is taken from the archive, or settled anew."""
        for what, kept in (("append", A), ("make", None)):
            self.setUp()
            self.killed(what, A) if kept else self.killed("write", A)
            for file in self.files("apel-pending"):
                (self.root / "apel-pending" / file).write_text("APEL")
            later = evolve(A, ended_at=NOW + 2 * DAY)
            self.account(later)
            self.assertEqual([job_text(kept or later)], self.queued(), what)

    def test_archive_damaged(self) -> None:
        """A machine whose archived record is damaged is not told of again."""
        self.account(A)
        (self.root / "apel-archive" / "20231115" / NAME).write_text("")
        (self.root / "apel-outgoing" / "20231115" / NAME).unlink()
        self.account(A)
        self.assertEqual([], self.queued())

    def test_leftovers(self) -> None:
        """What a killed daemon had half written is cleared away."""
        for what in ("sync", "rename", "append", "move"):
            self.killed(what, A)
        self.account(A)
        everything = self.files()
        self.assertEqual([], [name for name in everything if os.path.basename(name)[0] == "."])

    def test_day_removed(self) -> None:
        """A day's directory that its reader removes because it is empty is made again."""
        tries = 0

        def step(doing: str, path: str) -> None:
            nonlocal tries
            if doing == "move":
                tries += 1
                if tries < 3:
                    os.rmdir(os.path.dirname(path))

        self.now(self.accounts(step).account([A]))
        self.assertEqual([job_text(A)], self.queued())
        self.assertEqual(3, tries)

    def test_cannot_queue(self) -> None:
        """What cannot be queued now is a StoreError that says where, and is queued later."""
        way = self.root / "apel-outgoing" / "20231115"
        way.parent.mkdir()
        way.write_text("in the way")
        self.assertIn("apel-outgoing", self.refused(A))
        self.assertEqual(Waiting(count=1, oldest=1699920000.0 + DAY), self.now(self.waiting()))
        way.unlink()
        self.account(A)
        self.assertEqual([job_text(A)], self.queued())

    def waiting(self) -> Coroutine[Any, Any, Waiting]:
        return self.accounts().waiting()

    def test_torn_ledger(self) -> None:
        """A line that a power cut left behind spoils no other."""
        self.account(A)
        path = self.root / "apel-ledger" / "202311"
        path.write_text(path.read_text("ascii") + "8f3d4d40-013d-422a")
        self.account(B, over(7, seconds=5000))
        entries, damaged = ledger(self.place, "202311")
        self.assertEqual(3, len(entries))
        self.assertEqual(1, damaged)

    def test_owner(self) -> None:
        """What a command that root runs makes belongs to the state directory's owner."""
        owner = (12345, 12346) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
        os.chown(self.root, *owner)
        self.account(A)
        queue(self.place, sync_text("A", "b", "202311", 1), NOW)
        for path in self.root.rglob("*"):
            self.assertEqual(owner, (path.stat().st_uid, path.stat().st_gid), path)


class QueueTests(AccountsCase):
    def test_sync(self) -> None:
        """Sync records have names of their own, so that none is replaced while it is sent."""
        for number in range(3):
            queue(self.place, sync_text("A", "b", "202311", number), NOW + DAY)
        self.assertEqual(3, len(self.queued()))
        self.assertEqual(
            ["20231115"], [day for day, _ in map(os.path.split, self.files("apel-outgoing"))][:1]
        )
        self.assertEqual([], self.files("apel-pending"))

    def test_reissue(self) -> None:
        """Job records issued again are queued today, and are in the ledger of their month."""
        jobs = [read_job(job_text(over(number))) for number in range(150)]
        reissue(self.place, jobs, NOW + 60 * DAY)
        self.assertEqual(
            {"20240113"}, {os.path.dirname(file) for file in self.files("apel-outgoing")}
        )
        self.assertEqual(150, len(self.queued()))
        self.assertEqual(150, len({entry.uuid for entry in ledger(self.place, "202311")[0]}))


class WaitingTests(AccountsCase):
    def waiting(self) -> Waiting:
        waiting: Waiting = self.now(self.accounts().waiting())
        return waiting

    def test_nothing(self) -> None:
        """Where nothing was ever queued, nothing waits."""
        self.assertEqual(Waiting(count=0), self.waiting())

    def test_oldest(self) -> None:
        """The oldest is the one whose machine ended first, however often sending was tried."""
        self.account(B, A, PLACEHOLDER)
        spool = QueueSimple(str(self.root / "apel-outgoing"))
        name = spool.first()
        spool.lock(name)
        self.assertEqual(Waiting(count=2, oldest=float(int(A.ended_at or 0))), self.waiting())

    def test_sent(self) -> None:
        """What was sent does not wait, though its directories are still there."""
        self.account(A)
        (self.root / "apel-outgoing" / "20231115" / NAME).unlink()
        self.assertEqual(Waiting(count=0), self.waiting())


class Busy(Place):
    """A spool in which a machine is accounted just when the archive has been listed."""

    def elements(self, top: str, day: str) -> tuple[list[str], list[str]]:
        listed = super().elements(top, day)
        if top == ARCHIVE:
            account(Place(self.state_dir), [over(5)])
        return listed


class BooksTests(AccountsCase):
    def findings(self, place: Place) -> list[str]:
        read = books(place, "202311", {}, NOW)
        return [finding.problem for finding in verify(read)]

    def test_written_meanwhile(self) -> None:
        """A record that is written while the books are read is no disagreement."""
        self.account(A)
        self.assertEqual([], self.findings(Busy(str(self.root))))
        self.assertEqual(2, len(self.files("apel-archive")))
        self.assertEqual([], self.findings(self.place))

    def test_being_written(self) -> None:
        """Nor is one that has no line in the ledger yet, at whichever step of being written."""
        for what in ("write", "rename", "sync", "append", "move"):
            self.setUp()
            self.account(B)
            self.killed(what, A)
            self.assertEqual([], self.findings(self.place), what)

    def test_lost(self) -> None:
        """One that was taken out of the archive is still missed, pending others or not."""
        self.account(A)
        (self.root / "apel-archive" / "20231115" / NAME).unlink()
        self.killed("append", B)
        [problem] = self.findings(self.place)
        self.assertIn("apel-ledger that are not in apel-archive", problem)


class ReadingTests(AccountsCase):
    def test_found(self) -> None:
        """Files are told apart: job records, sync records, others, and names that nobody reads."""
        self.account(A)
        queue(self.place, sync_text("A", "b", "202311", 1), NOW + DAY)
        day = self.root / "apel-outgoing" / "20231115"
        (day / "0123456789abcd").write_text("something else")
        (day / "0.25").write_text("something else")
        (day / f"{NAME}.lck").write_text("")
        (self.root / "apel-outgoing" / "junk").mkdir()
        seen = {one.name: one for one in found(self.place, "apel-outgoing")}
        self.assertEqual(4, len(seen))
        self.assertIsNotNone(seen[NAME].job)
        self.assertTrue(seen["0.25"].unnamed)
        self.assertEqual(1, sum(one.sync for one in seen.values()))

    def test_not_permitted(self) -> None:
        """Who may not read the records of machines is told so, and not that there are none."""
        self.addCleanup(os.seteuid, os.geteuid())
        one = self.root / "spaces" / "a" / "machines" / "1_atlas_x"
        one.mkdir(parents=True)
        for name in ("finished", "record.json"):
            (one / name).touch()
        (one / "record.json").chmod(0)
        if os.geteuid() == 0:
            os.seteuid(65534)
        with self.assertRaises(PermissionError):
            machines(self.place, "202311")

    def test_machines(self) -> None:
        """Of a state directory without machines there is none to read."""
        (self.root / "spaces" / "empty").mkdir(parents=True)
        self.assertEqual(([], []), machines(self.place, "202311"))
