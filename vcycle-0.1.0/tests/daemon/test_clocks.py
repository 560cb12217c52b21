"""Tests for vcycle.daemon.clocks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import Factory, define
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.clock import Reading
from vcycle.core.errors import StoreError
from vcycle.daemon.clocks import ClockWatch, reading, wall

START = 1_700_000_000.0


@define
class Host:
    """Clocks of a host: time passes on all of them, and the wall clock may be set."""

    boot: str = "one"
    now: float = START
    up: float = 500.0

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.up += seconds

    def reboots(self) -> None:
        self.boot += "+"
        self.up = 0.0

    def read(self) -> Reading:
        return Reading(boot=self.boot, wall=self.now, since_boot=self.up)


@define
class File:
    """Keeps what JSON keeps of it. ``broken`` is raised; ``waiting`` holds up a write."""

    content: Any = Factory(dict)
    broken: StoreError | None = None
    waiting: Deferred[None] | None = None
    writes: int = 0

    async def read(self) -> Mapping[str, object]:
        if self.broken is not None:
            raise self.broken
        return dict(self.content)

    async def write(self, readings: Mapping[str, object], /) -> None:
        self.writes += 1
        if self.waiting is not None:
            await self.waiting
        if self.broken is not None:
            raise self.broken
        self.content = json.loads(json.dumps(readings))


class ClockWatchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.host, self.file = Host(), File()
        self.watch = self.start()

    def start(self) -> ClockWatch:
        """A daemon of its own, on what former ones kept."""
        return ClockWatch(self.file, self.host.read)

    def look(self, watch: ClockWatch | None = None) -> float:
        stepped: float = self.successResultOf((watch or self.watch).look())
        return stepped

    def test_first(self) -> None:
        """The first look there ever was has nothing to compare with."""
        self.assertEqual(0.0, self.look())
        self.assertEqual([], self.watch.steps)

    def test_time_passes(self) -> None:
        """Time that passes is no step, nor is what an NTP daemon slews."""
        self.look()
        for seconds in (60.0, 3600.0, 86400.0):
            self.host.passes(seconds)
            self.host.now += 1.0
            self.assertEqual(0.0, self.look())

    def test_steps(self) -> None:
        """A clock that is set is a step, once; all of them are remembered in order."""
        self.look()
        for step in (3600.0, -7200.0):
            self.host.passes(60.0)
            self.host.now += step
            self.assertEqual(step, self.look())
            self.assertEqual(0.0, self.look())
        self.assertEqual([3600.0, -7200.0], self.watch.steps)

    def test_restart(self) -> None:
        """A successor knows former steps, and sees what was set while no daemon ran."""
        self.look()
        self.host.now += 100.0
        self.look()
        self.host.passes(600.0)
        self.host.now += 50.0
        successor = self.start()
        self.assertEqual(50.0, self.look(successor))
        self.assertEqual([100.0, 50.0], successor.steps)

    def test_reboot(self) -> None:
        """Over a reboot a clock that went on is no step; one that shows less than it must is."""
        self.look()
        self.host.reboots()
        self.host.passes(600.0)
        self.assertEqual(0.0, self.look(self.start()))
        self.host.reboots()
        self.host.passes(60.0)
        self.host.now -= 5000.0
        self.assertLess(self.look(self.start()), -4000.0)

    def test_garbage(self) -> None:
        """What makes no sense in the file is no step, yet counts as one that records include."""
        for content in (
            {"steps": "x", "last": 3},
            {"steps": None, "last": {"boot": 1, "wall": START, "since_boot": 1.0}},
            {"last": {"boot": "one", "wall": "x", "since_boot": 1.0}},
            {"last": {"boot": "one", "wall": float("nan"), "since_boot": 1.0}},
            {"last": {"boot": "one", "wall": START, "since_boot": 10**400}},
        ):
            self.file.content = content
            watch = self.start()
            self.assertEqual(0.0, self.look(watch), content)
            self.assertEqual([], watch.steps)
        self.file.content = {"steps": [1.0, "x", None, True, float("inf"), 10**400, 2]}
        watch = self.start()
        self.look(watch)
        self.assertEqual([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0], watch.steps)

    def test_unreadable(self) -> None:
        """While the file cannot be read nothing is known; the first look that can reads it."""
        self.look()
        self.host.now += 100.0
        self.look()
        self.file.broken = StoreError("/x: no")
        watch = self.start()
        self.failureResultOf(watch.look(), StoreError)
        self.file.broken = None
        self.assertEqual(0.0, self.look(watch))
        self.assertEqual([100.0], watch.steps)

    def test_not_kept(self) -> None:
        """A step that cannot be kept holds at once, and is told by the look that keeps it."""
        self.look()
        self.file.broken = StoreError("/x: the disk is full")
        self.host.now += 100.0
        self.failureResultOf(self.watch.look(), StoreError)
        self.assertEqual([100.0], self.watch.steps)
        self.host.passes(60.0)
        self.file.broken = None
        self.assertEqual(100.0, self.look())
        self.assertEqual(0.0, self.look())
        self.assertEqual([100.0], self.file.content["steps"])

    def test_killed_before_it_was_kept(self) -> None:
        """A daemon that dies with a step unkept leaves it to be found, once."""
        self.look()
        self.file.broken = StoreError("/x: the disk is full")
        self.host.now += 100.0
        self.failureResultOf(self.watch.look(), StoreError)
        self.file.broken = None
        successor = self.start()
        self.assertEqual(100.0, self.look(successor))
        self.assertEqual([100.0], successor.steps)

    def test_one_at_a_time(self) -> None:
        """Two spaces that look at one moment see one step, and one of them is told."""
        self.look()
        self.host.now += 100.0
        waiting = self.file.waiting = Deferred()
        one, two = (Deferred.fromCoroutine(self.watch.look()) for _ in range(2))
        self.assertEqual(2, self.file.writes)
        self.file.waiting = None
        waiting.callback(None)
        self.assertEqual([100.0, 0.0], [self.successResultOf(one), self.successResultOf(two)])
        self.assertEqual([100.0], self.watch.steps)


class HostTests(SynchronousTestCase):
    def test_reading(self) -> None:
        """This host has clocks, and they go forward."""
        one, two = reading(), reading()
        self.assertEqual(one.boot, two.boot)
        self.assertLessEqual(one.since_boot, two.since_boot)
        self.assertLess(abs(wall() - two.wall), 60.0)
