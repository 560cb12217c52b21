"""Tests for vcycle.daemon.monitoring: what is remembered, and shown."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Callable, TypeVar

from attrs import evolve
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, SPACE, ended, record, running, space
from tests.inplace import in_place
from tests.monitor.scenery import busy, ends
from vcycle.core.accounting.waiting import Waiting
from vcycle.core.errors import StoreError
from vcycle.core.machine import Outcome, State
from vcycle.core.observation import Reviewed
from vcycle.core.snapshot import Snapshot
from vcycle.core.trend import STEP
from vcycle.daemon.monitoring import DAY, LOOK_SECONDS, Monitoring, Others, hung
from vcycle.interfaces import RunInThread
from vcycle.threads import PrivateThreads

R = TypeVar("R")


async def waiting() -> Waiting:
    return Waiting(count=3, oldest=NOW - 50)


async def broken(work: Callable[[], R], deadline: float | None = None) -> R:
    raise StoreError("/state: the disk is full")


def never_started(number: int, at: float) -> Any:
    return record(
        number,
        requested_at=at - 5,
        ended_at=at,
        outcome=Outcome.NEVER_STARTED,
        abort=True,
        message="700 no such image",
    )


class MonitoringCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Path(self.mktemp())
        self.root.mkdir()
        self.now = NOW
        self.hears: bool | None = True
        self.told: list[bool] = []
        self.monitoring = self.make()

    def make(self, files: RunInThread = in_place) -> Monitoring:
        return Monitoring(
            str(self.root),
            files,
            in_place,
            lambda: self.now,
            others=Others(responder=lambda: self.hears, waiting=waiting),
            changed=self.told.append,
        )

    def status(self) -> Any:
        """The status file after a cycle's end."""
        snapshot = next(iter(self.monitoring._snapshots()))
        self.successResultOf_(self.monitoring.last(snapshot))
        return json.loads((self.root / "status.json").read_text("ascii"))

    def successResultOf_(self, awaitable: Any) -> Any:
        return self.successResultOf(awaitable)


class StatusTests(MonitoringCase):
    def test_file(self) -> None:
        """The status file is whole, everybody can read it, and nothing half-written stays."""
        self.monitoring.publish(busy(NOW))
        self.assertEqual(SPACE, self.status()["spaces"][0]["space"])
        self.assertEqual(0o644, os.stat(self.root / "status.json").st_mode & 0o777)
        self.assertEqual({"status.json", DAY}, {path.name for path in self.root.iterdir()})

    def test_accounting(self) -> None:
        """It tells how many accounting records wait, and since when."""
        self.monitoring.publish(busy(NOW))
        self.assertEqual({"waiting": 3, "oldest": NOW - 50}, self.status()["accounting"])

    def test_responder(self) -> None:
        """It tells of the responder's heart, where there is to be one."""
        self.monitoring.publish(busy(NOW))
        self.assertEqual({"heartbeat": NOW}, self.status()["responder"])
        self.hears = False
        self.assertEqual({"heartbeat": None}, self.status()["responder"])
        self.hears = None
        self.assertIsNone(self.status()["responder"])

    def test_answered(self) -> None:
        """It tells when the provider last answered."""
        self.monitoring.publish(busy(NOW))
        self.now += 60
        self.monitoring.publish(evolve(busy(self.now), answered=False))
        self.assertEqual(NOW, self.status()["spaces"][0]["answered"])

    def test_failures(self) -> None:
        """Creations that failed are counted until a machine starts after them."""
        self.monitoring.publish(Snapshot(space=space(), taken_at=NOW, machines=()))
        for number in range(3):
            self.monitoring.ended(space(), never_started(number, NOW + number))
        failures = self.status()["spaces"][0]["failures"]
        self.assertEqual({"count": 3, "at": NOW + 2, "text": "700 no such image"}, failures)
        for started_at, count in ((NOW - 100, 3), (None, 3), (NOW + 60, 0)):
            machine = Reviewed(record=running(9, started_at=started_at), state=State.RUNNING)
            self.monitoring.publish(Snapshot(space=space(), taken_at=NOW + 61, machines=(machine,)))
            self.assertEqual(count, self.status()["spaces"][0]["failures"]["count"])

    def test_full_disk(self) -> None:
        """A status file that cannot be written is told to the cycle; a day that cannot is not."""
        self.monitoring = self.make(broken)
        self.monitoring.publish(busy(NOW))
        snapshot = busy(NOW)
        self.failureResultOf(self.monitoring.last(snapshot), StoreError)

    def test_withdrawn(self) -> None:
        """A space that is no more is not told of any more."""
        self.monitoring.publish(busy(NOW))
        self.monitoring.ended(space(), ended(1))
        self.monitoring.withdraw(SPACE)
        self.assertEqual((), self.monitoring._snapshots())
        self.assertEqual([], json.loads(self.successResultOf_(self.monitoring.view()))["spaces"])


class ShownTests(MonitoringCase):
    def test_view(self) -> None:
        """The page is told of what is now, its last ends the newest first, and what waits."""
        self.monitoring.publish(busy(NOW))
        for each in ends(NOW):
            self.monitoring.ended(space(), each)
        shown = json.loads(self.successResultOf_(self.monitoring.view()))
        messages = [end["message"] for end in shown["spaces"][0]["ends"]]
        self.assertEqual([each.message for each in reversed(list(ends(NOW)))], messages)
        self.assertEqual(3, shown["accounting"]["waiting"])

    def test_changed(self) -> None:
        """Open pages are told of each snapshot, and whether the day has a new frame."""
        for number in range(7):
            self.monitoring.publish(busy(NOW - NOW % STEP + number * 60))
        self.assertEqual([True, False, False, False, False, True, False], self.told)

    def test_metrics(self) -> None:
        """The numbers are those of now."""
        self.monitoring.publish(evolve(busy(NOW), unclaimed=2))
        self.monitoring.ended(space(), ended(1))
        body, _ = self.successResultOf_(self.monitoring.metrics(""))
        text = body.decode()
        self.assertIn('vcycle_leaks{kind="machine"} 2.0', text)
        self.assertIn("vcycle_accounting_records_waiting 3.0", text)
        self.assertIn('outcome="completed",space="vac01.example.com"} 1.0', text)

    def test_day(self) -> None:
        """The last day outlives the daemon."""
        self.monitoring.publish(busy(NOW))
        self.monitoring.ended(space(), ended(1, message="200 Success"))
        self.successResultOf_(self.monitoring.keep())
        again = self.make()
        self.successResultOf_(again.recall())
        again.publish(busy(NOW))
        self.assertEqual(
            self.successResultOf_(self.monitoring.day()), self.successResultOf_(again.day())
        )
        shown = json.loads(self.successResultOf_(again.view()))
        self.assertEqual(["200 Success"], [end["message"] for end in shown["spaces"][0]["ends"]])

    def test_damaged_day(self) -> None:
        """A day that cannot be read is forgotten."""
        for content in (b"", b"{", b"[]", b'{"version":1,"spaces":3,"ends":[1]}', b"\xff"):
            (self.root / DAY).write_bytes(content)
            again = self.make()
            self.successResultOf_(again.recall())
            self.assertEqual({}, again.trend.kept()["spaces"])

    def test_seldom(self) -> None:
        """What nobody owns is looked for now and then, not in each cycle."""
        looks = []

        async def counting(work: Callable[[], R], deadline: float | None = None) -> R:
            if "_leaks" in work.__code__.co_names:
                looks.append(self.now)
            return work()

        self.monitoring = self.make(counting)
        for number in range(12):
            self.now = NOW + 60 * number
            self.monitoring.publish(busy(self.now))
        self.assertEqual(12 * 60 // LOOK_SECONDS + 1, len(looks))


class LeaksTests(MonitoringCase):
    def test_disks(self) -> None:
        """A disk of a machine that is over is a leak; that of one that lives is none."""
        snapshot = busy(NOW)
        lives = snapshot.machines[0].record.directory
        for name in (lives, "1_pilot_over"):
            directory = self.root / "spaces" / SPACE / "machines" / name
            directory.mkdir(parents=True)
            (directory / "root.qcow2").touch()
        self.monitoring.publish(snapshot)
        text = self.successResultOf_(self.monitoring.metrics(""))[0].decode()
        self.assertIn('vcycle_leaks{kind="disk"} 1.0', text)
        self.assertIn('vcycle_leaks{kind="space"} 0.0', text)

    def test_lent(self) -> None:
        """What cannot be taken back is a leak, once for all spaces that see it."""
        left = frozenset({("volume", "vg/a"), ("volume", "vg/b"), ("export", "/data to 10.0.0.2")})
        snapshot = evolve(busy(NOW), left=left)
        other = evolve(snapshot, space=evolve(snapshot.space, name="vac02.example.com"))
        self.monitoring.publish(snapshot)
        self.monitoring.publish(other)
        text = self.successResultOf_(self.monitoring.metrics(""))[0].decode()
        self.assertIn('vcycle_leaks{kind="volume"} 2.0', text)
        self.assertIn('vcycle_leaks{kind="export"} 1.0', text)


class HungTests(SynchronousTestCase):
    def test_hung(self) -> None:
        """Pools tell how many of their threads were given up; what is no pool tells nothing."""
        reactor: Any = Clock()
        pool = PrivateThreads(reactor, "p", 1, 1.0, ceiling=1)
        pool.hung = 2
        self.assertEqual({"p": 2}, hung({"p": pool, "q": in_place}))
