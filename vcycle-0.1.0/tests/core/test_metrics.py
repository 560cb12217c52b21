"""Tests for vcycle.core.metrics and vcycle.core.tally: which numbers there are."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, SPACE, ended
from tests.monitor.scenery import HERE, busy, ends
from vcycle.core.machine import Outcome
from vcycle.core.metrics import Family, Readings, buckets, families
from vcycle.core.tally import BOUNDS, Durations, Tally


def found(readings: Readings) -> dict[str, Family]:
    return {family.name: family for family in families(readings)}


class FamiliesTests(SynchronousTestCase):
    def test_always_there(self) -> None:
        """Before the first cycle there are the same metrics, most of them without a value."""
        empty = found(Readings(version="1.0", started_at=NOW))
        full = found(Readings(version="1.0", started_at=NOW, snapshots=(busy(NOW),)))
        self.assertEqual(set(full), set(empty))
        self.assertEqual(((("1.0",), 1),), empty["vcycle_build_info"].samples)

    def test_machines(self) -> None:
        """Machines are counted by machinetype and state, also where there are none."""
        of = dict(
            found(Readings(version="", started_at=0, snapshots=(busy(NOW),)))[
                "vcycle_machines"
            ].samples
        )
        for name, count in HERE.items():
            self.assertEqual(count, sum(n for key, n in of.items() if key[1] == name))
        self.assertEqual(0, of[SPACE, "ci-runner", "missing"])

    def test_labels(self) -> None:
        """Each sample has as many values as its metric has labels, and is there once."""
        tally = Tally()
        for record in ends(NOW):
            tally.ended(record)
        tally.cycle(SPACE, 0.2)
        tally.call("qemu:///system", "create", "good", 1.0)
        tally.error("alarm")
        readings = Readings(
            version="1.0",
            started_at=NOW,
            snapshots=(busy(NOW),),
            tally=tally,
            queries={"queries": 3, "strangers": 1},
            leaks={"disks": 0},
            hung={"files": 1},
            images={"https://a.test/i": (NOW, False), "other": (None, True)},
            accounting=(3, NOW),
        )
        for family in families(readings):
            keys = [key for key, _ in (*family.samples, *family.durations)]
            self.assertEqual(len(keys), len(set(keys)), family.name)
            self.assertNotEqual([], keys, family.name)
            for key in keys:
                self.assertEqual(len(family.labels), len(key), family.name)


class TallyTests(SynchronousTestCase):
    def test_ends(self) -> None:
        """Ends are counted by how they ended, with what the machines had used."""
        tally = Tally()
        tally.ended(ended(1, cpu_seconds=3000.0))
        tally.ended(ended(2, cpu_seconds=1000.0))
        tally.ended(ended(3, outcome=Outcome.FIZZLED))
        lives = tally.ends[SPACE, "pilot", "completed"]
        self.assertEqual((2, 4000.0, 7200.0), (lives.count, lives.cpu_seconds, lives.seconds))
        copy = tally.copy()
        tally.ended(ended(4))
        self.assertEqual(2, copy.ends[SPACE, "pilot", "completed"].count)

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.floats(-10, 1000), max_size=30))
    def test_buckets(self, values: list[float]) -> None:
        """A bucket counts what is at most its bound; the last one counts all."""
        durations = Durations()
        for value in values:
            durations.add(value)
        told = buckets(durations)
        self.assertEqual(len(values), told[-1][1])
        for bound, (text, count) in zip(BOUNDS, told):
            self.assertEqual(sum(max(0.0, value) <= bound for value in values), count, text)
        self.assertAlmostEqual(sum(max(0.0, value) for value in values), durations.total, 6)
