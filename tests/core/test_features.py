"""Tests for vcycle.core.features."""

from __future__ import annotations

import json
from pathlib import Path

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.guests.sample import CREATED, RECORD
from vcycle.core.features import GRACE_SECONDS, features

SAMPLE = Path(__file__).parent / "vectors" / "mjf" / "vac-8processor.json"


class FeaturesTests(SynchronousTestCase):
    def test_sample(self) -> None:
        """The sample of eight processors comes out key by key, and the grace periods with it."""
        machine, job = features(RECORD, {}, shutdown_time=RECORD.shutdown_time)
        expected = json.loads(SAMPLE.read_text(encoding="utf-8"))
        self.assertEqual(str(GRACE_SECONDS), machine.pop("grace_secs"))
        self.assertEqual(str(GRACE_SECONDS), job.pop("grace_secs_job"))
        self.assertEqual(expected, {"machinefeatures": machine, "jobfeatures": job})

    def test_hs06_unknown(self) -> None:
        """Without a benchmark nothing is claimed of one."""
        machine, job = features(
            evolve(RECORD, hs06_per_processor=None), {}, shutdown_time=RECORD.shutdown_time
        )
        self.assertNotIn("hs06", machine)
        self.assertNotIn("hs06_job", job)

    def test_scratch(self) -> None:
        """Room on a disk of its own is a limit, and nothing is claimed where it has none."""
        _, job = features(RECORD, {}, shutdown_time=RECORD.shutdown_time)
        self.assertNotIn("scratch_limit_bytes", job)
        record = evolve(RECORD, scratch_bytes=40 * 10**9)
        _, job = features(record, {}, shutdown_time=record.shutdown_time)
        self.assertEqual("40000000000", job["scratch_limit_bytes"])

    def test_hs06_without_dust(self) -> None:
        """A product of decimal numbers is written as a person would."""
        record = evolve(RECORD, hs06_per_processor=10.1, processors=3)
        machine, job = features(record, {}, shutdown_time=record.shutdown_time)
        self.assertEqual(("30.3", "30.3"), (machine["hs06"], job["hs06_job"]))

    def test_shortened(self) -> None:
        """A nearer shutdown time moves the dynamic keys only; the granted limits stay."""
        before, job_before = features(RECORD, {}, shutdown_time=RECORD.shutdown_time)
        after, job_after = features(RECORD, {}, shutdown_time=CREATED + 100, grace_seconds=60)
        changed = {key for key in before if before[key] != after[key]}
        job_changed = {key for key in job_before if job_before[key] != job_after[key]}
        self.assertEqual({"shutdowntime", "grace_secs"}, changed)
        self.assertEqual({"shutdowntime_job", "grace_secs_job"}, job_changed)
        self.assertEqual((str(CREATED + 100), "60"), (after["shutdowntime"], after["grace_secs"]))

    def test_never_later(self) -> None:
        """A shutdown time after the promised one does not lengthen a machine's life."""
        machine, _ = features(RECORD, {}, shutdown_time=RECORD.shutdown_time + 1000)
        self.assertEqual(str(int(RECORD.shutdown_time)), machine["shutdowntime"])

    def test_not_started(self) -> None:
        """Before its first sighting a machine's job starts when it was asked for."""
        _, job = features(evolve(RECORD, started_at=None), {}, shutdown_time=RECORD.shutdown_time)
        self.assertEqual(str(CREATED - 8), job["jobstart_secs"])

    def test_options(self) -> None:
        """The administrator's own machine features are there as they were written."""
        machine, job = features(RECORD, {"rack": "a b"}, shutdown_time=RECORD.shutdown_time)
        self.assertEqual("a b", machine["rack"])
        self.assertNotIn("rack", job)

    @given(
        started=st.none() | st.floats(0, 4e9),
        ending=st.floats(0, 4e9),
        now_ending=st.floats(0, 4e9),
        processors=st.integers(1, 256),
    )
    def test_consistent(
        self, started: float | None, ending: float, now_ending: float, processors: int
    ) -> None:
        """Whatever the times: no negative limit, and no limit reaches past the shutdown time."""
        record = evolve(RECORD, started_at=started, shutdown_time=ending, processors=processors)
        machine, job = features(record, {}, shutdown_time=now_ending)
        wall, start = int(job["wall_limit_secs"]), int(job["jobstart_secs"])
        self.assertGreaterEqual(wall, 0)
        self.assertLessEqual(start + wall, max(start, ending))
        self.assertEqual(wall * processors, int(job["cpu_limit_secs"]))
        self.assertEqual(machine["shutdowntime"], job["shutdowntime_job"])
