"""Tests for vcycle.core.accounting.ledger."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.accounting.loader import load
from tests.core.accounting.test_jobs import machine, machines
from vcycle.core.accounting.jobs import job_text, read_job
from vcycle.core.accounting.ledger import Entry, entry_of, line, read_line, sync_text, tally
from vcycle.core.accounting.places import names
from vcycle.core.machine import Record

JOB = read_job(job_text(machine()))
ENTRY = entry_of(JOB, "9f0c2f5e0f5b4f", queued=True)


def entry(number: int, **changes: Any) -> Entry:
    """An entry of its own for each number."""
    usual: dict[str, Any] = {
        "uuid": f"9f0c2f5e-0f5b-4f0e-9a56-{number:012x}",
        "end": JOB.end,
        "name": "9f0c2f5e0f5b4f",
        "queued": True,
        "site": "EXAMPLE-SITE",
        "submit_host": JOB.submit_host,
    }
    return Entry(**{**usual, **changes})


class LineTests(SynchronousTestCase):
    def test_line(self) -> None:
        """A line tells of one record all by which it is found and counted."""
        self.assertEqual(
            "9f0c2f5e-0f5b-4f0e-9a56-3a7c1a1f0b11\t1767225570\t20251231/9f0c2f5e0f5b4f\tqueued\t"
            "EXAMPLE-SITE\tvcycle01.example.com/vcycle-factory1.example.com\t.\n",
            line(ENTRY),
        )

    @settings(max_examples=100, deadline=None)
    @given(machines(), st.booleans())
    def test_back(self, one: Record, queued: bool) -> None:
        """What is written of any record is read again."""
        job = read_job(job_text(one))
        made = entry_of(job, next(names(job.uuid)), queued)
        self.assertEqual(made, read_line(line(made)[:-1]))

    @settings(max_examples=200, deadline=None)
    @given(st.integers(0, 200), st.text(max_size=3))
    def test_torn(self, at: int, more: str) -> None:
        """A line that is cut short, or is no such line, is no entry."""
        whole = line(ENTRY)[:-1]
        self.assertIsNone(read_line(whole[: min(at, len(whole) - 1)]))
        read_line(whole[:at] + more + whole[at:])


class SyncTests(SynchronousTestCase):
    def test_tally(self) -> None:
        """Each record that was queued counts once under each site's name."""
        entries = [
            entry(1),
            entry(1),
            entry(2),
            entry(3, queued=False),
            entry(1, site="OTHER"),
            entry(4, submit_host="b"),
        ]
        expected = {
            ("EXAMPLE-SITE", JOB.submit_host): 2,
            ("EXAMPLE-SITE", "b"): 1,
            ("OTHER", JOB.submit_host): 1,
        }
        self.assertEqual(expected, tally(entries))
        self.assertEqual({}, tally([]))

    def test_text(self) -> None:
        """The sync record is what the loader takes."""
        text = sync_text("EXAMPLE-SITE", JOB.submit_host, "202601", 2)
        self.assertEqual(
            "APEL-sync-message: v0.1\nSite: EXAMPLE-SITE\n"
            "SubmitHost: vcycle01.example.com/vcycle-factory1.example.com\n"
            "NumberOfJobs: 2\nMonth: 1\nYear: 2026\n%%\n",
            text,
        )
        [fields] = load(text, now=0)
        self.assertEqual("2", fields["NumberOfJobs"])
