"""Tests for vcycle.core.leaks: machines with our mark that are in no record."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import OWNER, SPACE, observation, running, sighting, survey
from vcycle.core.leaks import unclaimed
from vcycle.core.machine import Record, Sighting
from vcycle.core.plan import plan_cycle


class UnclaimedTests(SynchronousTestCase):
    def count(self, seen: Sighting, records: tuple[Record, ...] = ()) -> int:
        looked = survey([seen])
        plan = plan_cycle(observation(records, survey=looked))
        return unclaimed(looked, plan, OWNER, SPACE)

    def test_known(self) -> None:
        """Machines that have a record, and those that are adopted, are nobody's leak."""
        self.assertEqual(0, self.count(sighting(running(1)), records=(running(1),)))
        self.assertEqual(0, self.count(sighting(running(1))))

    def test_unknown(self) -> None:
        """One that carries our mark and cannot be adopted is."""
        lost = sighting(running(1))
        assert lost.mark is not None
        broken = evolve(lost, mark=evolve(lost.mark, facts="{}"))
        self.assertEqual(1, self.count(broken))
        foreign = evolve(lost, mark=evolve(lost.mark, owner="another", facts="{}"))
        self.assertEqual(0, self.count(foreign))

    def test_no_survey(self) -> None:
        """Where the provider said nothing nothing is known of leaks."""
        self.assertEqual(0, unclaimed(None, plan_cycle(observation()), OWNER, SPACE))
