"""Tests for vcycle.core.asking.reports: answers on our own clock."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis.strategies import integers, none, one_of, sampled_from
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.asking.reports import SKEW_SECONDS, peers_of, report_of
from vcycle.core.asking.round import Gathered
from vcycle.core.asking.target import Heard
from vcycle.core.vacquery.messages import FactoryStatus, MachinetypeStatus

NOW = 1_700_000_000.0
FACTORY = "factory2.example.com"
COMMON: dict[str, Any] = {"cookie": "0", "space": "vac01.example.com", "factory": FACTORY}


def status(**changes: Any) -> MachinetypeStatus:
    wanted: dict[str, Any] = {
        **COMMON,
        "num_machinetypes": 1,
        "machinetype": "pilot",
        "running_hs06": 12.5,
        "num_before_fizzle": 2,
    }
    return MachinetypeStatus(**{**wanted, **changes})


class ReportTests(SynchronousTestCase):
    def test_abort(self) -> None:
        """An abort is as old as it is by the sender's clock, however wrong that is."""
        for skew in (-86400, 0, 86400):
            told = status(
                time_sent=int(NOW) + skew,
                shutdown_time=int(NOW) + skew - 100,
                shutdown_message="300 Nothing to do",
                shutdown_machine="factory2-00.example.com",
            )
            found = report_of(FACTORY, told, NOW + 0.5)
            self.assertEqual(NOW + 0.5 - 100, found.last_abort)
            self.assertEqual("300 Nothing to do", found.abort_message)
            self.assertEqual("factory2-00.example.com", found.abort_machine)

    def test_sender_without_clock(self) -> None:
        """Who does not say when it sent is taken to have our clock."""
        told = status(shutdown_time=int(NOW) - 100, shutdown_message="300 x")
        self.assertEqual(NOW - 100, report_of(FACTORY, told, NOW).last_abort)

    def test_no_abort(self) -> None:
        """A machine that ended well, or without a code, was no abort."""
        for message in ("200 Done", "299 Done", "Done", "3000 x", None):
            told = status(time_sent=1000, shutdown_time=900, shutdown_message=message)
            found = report_of(FACTORY, told, NOW)
            self.assertEqual(
                (None, None, None), (found.last_abort, found.abort_message, found.abort_machine)
            )
        told = status(time_sent=1000, shutdown_message="300 when?")
        self.assertIsNone(report_of(FACTORY, told, NOW).last_abort)

    def test_every_abort(self) -> None:
        """From 300 on each code is an abort."""
        for code in (300, 399, 400, 500, 600, 700, 999):
            told = status(time_sent=1000, shutdown_time=900, shutdown_message=f"{code} x")
            self.assertEqual(NOW - 100, report_of(FACTORY, told, NOW).last_abort)

    def test_missing_numbers(self) -> None:
        """An old version tells no processors: each machine counts as one."""
        found = report_of(FACTORY, status(running_machines=3), NOW)
        self.assertEqual(
            (3, 3, 12.5, 2),
            (
                found.running_machines,
                found.running_processors,
                found.running_hs06,
                found.young,
            ),
        )
        found = report_of(FACTORY, status(running_machines=3, running_processors=7.6), NOW)
        self.assertEqual((8, True), (found.running_processors, found.counted))
        self.assertFalse(report_of(FACTORY, status(running_machines=3), NOW).counted)
        # Those that are young are there.
        self.assertEqual(2, report_of(FACTORY, status(), NOW).running_machines)

    @given(
        one_of(none(), integers(0, 9_999_999_999)),
        one_of(none(), integers(0, 9_999_999_999)),
        sampled_from(["300 x", "700 x", "200 x", None]),
    )
    def test_never_later(self, sent: int | None, ended: int | None, said: str | None) -> None:
        """No abort is later than the moment at which we heard of it."""
        told = status(time_sent=sent, shutdown_time=ended, shutdown_message=said)
        found = report_of(FACTORY, told, NOW)
        self.assertTrue(found.last_abort is None or found.last_abort <= found.heard_at)


class PeersTests(SynchronousTestCase):
    def test_to_come(self) -> None:
        """Of a sender without a clock an abort that is to come counts for nothing."""
        for ahead, counts in ((SKEW_SECONDS, True), (SKEW_SECONDS + 1, False)):
            told = status(shutdown_time=int(NOW) + ahead, shutdown_message="300 x")
            found = peers_of(
                Gathered(heard={FACTORY: (Heard(told, 0.0),)}, silent={}), now=NOW, offset=NOW
            )
            self.assertEqual(counts, bool(found.reports))
            self.assertEqual({FACTORY}, found.alive)

    def test_round(self) -> None:
        """Reports come of the answers for machinetypes; those who told nothing are named."""
        found = peers_of(
            Gathered(
                heard={
                    FACTORY: (Heard(status(), 5.0), Heard(FactoryStatus(**COMMON), 6.0)),
                    "factory3.example.com": (Heard(FactoryStatus(**COMMON), 6.0),),
                },
                silent={"factory4.example.com": "no answer"},
            ),
            now=NOW + 10,
            offset=NOW,
        )
        [report] = found.reports
        self.assertEqual((FACTORY, NOW + 5), (report.factory, report.heard_at))
        self.assertEqual({FACTORY, "factory3.example.com"}, found.alive)
        self.assertEqual({"factory4.example.com": "no answer"}, found.silent)
        self.assertEqual(NOW + 10, found.asked_at)
