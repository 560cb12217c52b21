"""Tests for vcycle.core.weighing."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import observation, report, space
from vcycle.core.peers import Peers
from vcycle.core.plan import plan_cycle
from vcycle.core.weighing import unequal


class UnequalTests(SynchronousTestCase):
    def test_alike(self) -> None:
        """Nothing is said where all are told HS06, or none, or it makes no difference."""
        plain, weighed = report(hs06=4), report(hs06=40, running_processors=4)
        old = report(hs06=40, running_processors=4, counted=False)
        for hs06, reports in (
            (None, []),
            (None, [plain]),
            (None, [report()]),
            (None, [old]),
            (10.0, [weighed]),
            (10.0, [report()]),
            (1.0, [plain, weighed]),
        ):
            self.assertEqual((), unequal(space(hs06_per_processor=hs06), reports))

    def test_others(self) -> None:
        """Who differs from us is named, and many are counted."""
        [text] = unequal(
            space(), [report(f"f{n}", hs06=40, running_processors=4) for n in range(5)]
        )
        self.assertEqual(
            "hs06_per_processor is set at f0.example.com, f1.example.com, f2.example.com and 2 more"
            " and seems not to be here: shares are weighed unequally; set it on all factories, or"
            " on none",
            text,
        )
        [text] = unequal(space(hs06_per_processor=10.0), [report(hs06=4)])
        self.assertIn("is set here and seems not to be at factory2.example.com: ", text)

    def test_alarm(self) -> None:
        """The plan says so, as long as it is so."""
        peers = Peers(reports=(report(hs06=40, running_processors=4),))
        plan = plan_cycle(observation(peers=peers))
        self.assertEqual(1, len(plan.alarms), plan.alarms)
        self.assertIn("hs06_per_processor", plan.alarms[0])
