"""Tests for vcycle.core.accounting.jobs."""

from __future__ import annotations

import contextlib
from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.accounting.loader import VECTORS, load, unfit
from tests.core.values import record
from vcycle.core.accounting.jobs import counts, job_text, read_job, resited
from vcycle.core.accounting.places import day, names
from vcycle.core.machine import Limits, Record

ARCHIVE = VECTORS / "apel-archive"
LIMITS = Limits(fizzle_seconds=600, max_wallclock_seconds=86400)


def machine(**changes: Any) -> Record:
    """The machine of the first sample."""
    usual: dict[str, Any] = {
        "uuid": "9f0c2f5e-0f5b-4f0e-9a56-3a7c1a1f0b11",
        "space": "vcycle01.example.com",
        "factory": "factory1.example.com",
        "machinetype": "example-prod",
        "processors": 1,
        "memory_mb": 2048,
        "limits": LIMITS,
        "started_at": 1767218400.0,
        "ended_at": 1767225570.0,
        "cpu_seconds": 6810.2,
        "site": "EXAMPLE-SITE",
        "gocdb": True,
        "hs06_per_processor": 10.5,
        "accounting_fqan": "/exvo/Role=production/Capability=NULL",
    }
    return evolve(record(), **{**usual, **changes})


moments = st.floats(-1e11, 1e11) | st.floats(1.7e9, 1.8e9)
texts = st.text(max_size=300) | st.sampled_from(
    ["%%", "a\nSite: B", "none", "NULL", " ", "%%%%", "\u00c4", "x" * 400, "a: b", "\x00\x85\u2028"]
)
labels = st.from_regex(r"[0-9A-Za-z]([0-9A-Za-z.-]{0,250}[0-9a-z])?", fullmatch=True)
levels = st.none() | st.floats(0, 1e9) | st.sampled_from([0.0, 1e-9, 10.5, 11.25, 1e9])


@st.composite
def machines(draw: st.DrawFn) -> Record:
    """Any machine that a record on disk can hold, at the end of its life."""
    started, ended = sorted((draw(moments), draw(moments)))
    return machine(
        uuid=str(draw(st.uuids())),
        space=draw(labels),
        factory=draw(labels),
        machinetype=draw(st.from_regex(r"[0-9a-z-]{1,100}", fullmatch=True)),
        processors=draw(st.integers(1, 10**6)),
        memory_mb=draw(st.integers(0, 10**9)),
        started_at=started,
        ended_at=ended,
        cpu_seconds=draw(st.floats(0, 1e15)),
        site=draw(st.none() | texts),
        accounting_fqan=draw(st.none() | texts),
        hs06_per_processor=draw(levels),
        hepscore23_per_processor=draw(levels),
        limits=evolve(LIMITS, fizzle_seconds=draw(st.sampled_from([0, 600]))),
    )


class CountsTests(SynchronousTestCase):
    def test_long_enough(self) -> None:
        """A machine counts from fizzle_seconds on, by the limits that it was made with."""
        for seconds, expected in ((599.9, False), (600.0, True), (86400.0, True)):
            ended = 1767218400.0 + seconds
            self.assertEqual(expected, counts(machine(ended_at=ended)), seconds)

    def test_never_ran(self) -> None:
        """A machine that never ran, or runs still, does not, whatever its limits."""
        none = evolve(LIMITS, fizzle_seconds=0)
        self.assertFalse(counts(machine(started_at=None, limits=none)))
        self.assertFalse(counts(machine(ended_at=None, limits=none)))
        for wrong in (machine(started_at=None), machine(ended_at=None)):
            self.assertRaises(ValueError, job_text, wrong)


class JobTests(SynchronousTestCase):
    def check(self, name: str, one: Record) -> None:
        self.assertEqual((ARCHIVE / name).read_text("ascii"), job_text(one))

    def test_golden(self) -> None:
        """Records are the ones that the real loader took, to the letter."""
        self.check("20260101/00000103125000", machine())
        self.check(
            "20260101/00153098765432",
            machine(
                uuid="1b2c3d4e-5f60-4711-8899-aabbccddee02",
                machinetype="example-mcore",
                processors=8,
                memory_mb=16384,
                started_at=1767222930.2,
                ended_at=1767226530.4,
                cpu_seconds=27350.0,
                accounting_fqan="/exvo/Role=NULL/Capability=NULL",
            ),
        )
        self.check(
            "20260102/11223344556677",
            machine(
                uuid="77777777-0000-4000-8000-000000000003",
                started_at=1767340000.0,
                ended_at=1767349353.0,
                cpu_seconds=9000.0,
                accounting_fqan=None,
                hs06_per_processor=None,
                site="example.com",
                gocdb=False,
            ),
        )

    def test_hepscore23(self) -> None:
        """HEPscore23 goes before HS06, as APEL itself prefers it, in the form all loaders know."""
        text = job_text(machine(hepscore23_per_processor=11.25))
        self.assertEqual((VECTORS / "variants" / "hepscore23").read_text("ascii"), text)

    def test_no_site(self) -> None:
        """Without a site's name the space's, less its first label, stands for it."""
        for nothing in (None, "", "None", "NULL"):
            self.assertEqual("example.com", read_job(job_text(machine(site=nothing))).site)

    def test_processor_time(self) -> None:
        """Processor time is at most what the machine's processors had."""
        for used, processors, told in ((1e9, 1, 7170), (1e9, 8, 57360), (7169.6, 1, 7170)):
            text = job_text(machine(cpu_seconds=used, processors=processors))
            self.assertIn(f"\nCpuDuration: {told}\n", text)

    @settings(max_examples=300, deadline=None)
    @given(machines())
    def test_loads(self, one: Record) -> None:
        """Whatever a machine was and whatever its site is called, the loader takes its record."""
        text = job_text(one)
        [fields] = load(text, now=1e11)
        self.assertEqual([], unfit(fields))
        self.assertTrue(text.isascii())
        self.assertEqual(one.uuid, fields["LocalJobId"])
        wall = int(fields["EndTime"]) - int(fields["StartTime"])
        self.assertEqual(min(wall, (1 << 32) - 1), int(fields["WallDuration"]))
        if counts(one) and (one.started_at or 0) >= 0:
            self.assertGreaterEqual(wall, one.limits.fizzle_seconds)
        job = read_job(text)
        self.assertEqual((one.uuid, int(fields["EndTime"])), (job.uuid, job.end))
        self.assertRegex(day(job.end), r"\A[0-9]{8}\Z")
        self.assertRegex(next(names(job.uuid)), r"\A[0-9a-f]{14}\Z")
        self.assertEqual(text, job_text(one))

    @settings(max_examples=100, deadline=None)
    @given(
        st.text(max_size=200) | st.just(job_text(machine())),
        st.integers(0, 700),
        st.text(max_size=3),
    )
    def test_hostile(self, text: str, at: int, more: str) -> None:
        """Whatever a file holds, it is read or refused with a ValueError."""
        for changed in (text, text[:at] + more + text[at:], text[:at]):
            with contextlib.suppress(ValueError):
                read_job(changed)


class ResitedTests(SynchronousTestCase):
    def test_only_the_site(self) -> None:
        """A record under another site's name is the same but for that."""
        job = read_job(job_text(machine()))
        other = resited(job, "OTHER-SITE")
        self.assertEqual(job.text.replace("EXAMPLE-SITE", "OTHER-SITE"), other.text)
        self.assertEqual((job.uuid, job.end, "OTHER-SITE"), (other.uuid, other.end, other.site))

    def test_no_name(self) -> None:
        """What cannot be a site's name is refused."""
        for name in ("", "none", "a\nFQAN: b", "\u00c4", "%%", "x" * 256):
            self.assertRaises(ValueError, resited, read_job(job_text(machine())), name)
