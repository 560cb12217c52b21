"""Tests for vcycle.core.peers."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from twisted.trial.unittest import SynchronousTestCase

from tests.core.strategies import rounds
from tests.core.values import FACTORY, NOW, machinetype, report, space
from vcycle.core.peers import PeerReport, Peers, heard, joined, patience

SPACE = space(machinetype("pilot"), machinetype("probe"))
OWN = FACTORY.partition(".")[0]


def counted(*reports: PeerReport, now: float = NOW) -> list[PeerReport]:
    """The reports on pilots that count."""
    return list(heard(Peers(reports=reports), SPACE, now)["pilot"])


class HeardTests(SynchronousTestCase):
    def test_by_machinetype(self) -> None:
        """Each machinetype that is configured has its reports, by factory; others have none."""
        of = [report("f3"), report("f2"), report("f2", "probe"), report("f2", "stranger")]
        got = heard(Peers(reports=tuple(of)), SPACE, NOW)
        self.assertEqual({"pilot": (of[1], of[0]), "probe": (of[2],)}, got)

    def test_ourselves(self) -> None:
        """Nobody tells us of ourselves, in whatever case."""
        self.assertEqual([], counted(report(OWN), report(OWN.upper())))

    def test_stale(self) -> None:
        """A report counts for two cycles and an answer's time, and not a second longer."""
        self.assertEqual(130.0, patience(SPACE))
        self.assertEqual(1, len(counted(report(), now=NOW + 130)))
        self.assertEqual([], counted(report(), now=NOW + 131))

    def test_last_word(self) -> None:
        """Of a factory's words on one machinetype the last one counts."""
        old, new = report(hs06=1.0, heard_at=NOW - 9), report(hs06=2.0)
        self.assertEqual([new], counted(old, new))
        self.assertEqual([new], counted(new, old))

    def test_nonsense(self) -> None:
        """What makes no sense counts for nothing, and harms nothing else."""
        rows: list[dict[str, Any]] = [
            {"hs06": -1.0, "running_machines": 0},
            {"running_hs06": math.nan},
            {"running_hs06": math.inf},
            {"running_machines": -1},
            {"young": -1},
            {"last_abort": math.nan},
            {"last_abort": math.inf},
            {"heard_at": math.nan},
        ]
        good = report("f9")
        for changes in rows:
            self.assertEqual([good], counted(report(**changes), good), changes)

    @given(rounds)
    def test_any(self, peers: Peers) -> None:
        """Whatever they say: one report at most of each peer, and only finite numbers."""
        for reports in heard(peers, SPACE, NOW).values():
            names = [each.factory.lower() for each in reports]
            self.assertEqual(sorted(set(names)), names)
            self.assertNotIn(FACTORY, names)
            self.assertTrue(math.isfinite(sum(each.running_hs06 for each in reports)))


class JoinedTests(SynchronousTestCase):
    def test_lost_answer(self) -> None:
        """What was not heard again is still believed, for as long as anything is."""
        pilot, probe = report("f2"), report("f2", "probe")
        again = report("f2", hs06=3.0, heard_at=NOW + 60)
        found = Peers(reports=(again,), silent={"f3": "no answer"}, asked_at=NOW + 60)
        former = Peers(reports=(pilot, probe), asked_at=NOW)
        both = joined(found, former, SPACE, NOW + 60)
        self.assertEqual((again, probe), both.reports)
        self.assertEqual((NOW + 60, found.silent), (both.asked_at, both.silent))
        self.assertEqual((again,), joined(found, former, SPACE, NOW + 131).reports)

    def test_clock_set_back(self) -> None:
        """A word of the future is not kept: its age would never come."""
        former = Peers(reports=(report("f2", heard_at=NOW + 1e6),))
        self.assertEqual((), joined(Peers(), former, SPACE, NOW).reports)
