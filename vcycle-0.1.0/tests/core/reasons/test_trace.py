"""Tests for vcycle.core.reasons: what a decision leaves behind is what decided."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from hypothesis import given, settings
from twisted.trial.unittest import SynchronousTestCase

from tests.core.strategies import observations
from tests.core.values import NOW, machinetype, observation, running, space, words
from vcycle.core.backoff import History
from vcycle.core.drains import Drain
from vcycle.core.machine import Doom, Outcome, State
from vcycle.core.observation import Observation
from vcycle.core.plan import plan_cycle
from vcycle.core.reasons.rule import refusing


class AgreementTests(SynchronousTestCase):
    @given(observations())
    @settings(max_examples=60)
    def test_verdicts(self, seen: Observation) -> None:
        """A machinetype's verdict is what the first rule says that does not let it pass."""
        plan = plan_cycle(seen)
        for verdict in plan.verdicts:
            own = refusing(plan.reasons.machinetypes[verdict.machinetype])
            for_all = refusing(plan.reasons.space)
            if verdict.word == "started":
                self.assertIsNone(for_all)
            elif own is not None:
                self.assertEqual((own.word, own.refusal), (verdict.word, verdict.text))
            elif for_all is not None:
                self.assertIn(verdict.word, ("vetoed", "full"))
                self.assertEqual(for_all.refusal, verdict.text)
            else:
                self.assertIn(verdict.word, ("later", "no-room"))

    @given(observations())
    @settings(max_examples=60)
    def test_rules(self, seen: Observation) -> None:
        """Rules of one machinetype have a word for programs; all have told what they saw."""
        reasons = plan_cycle(seen).reasons
        self.assertEqual(set(seen.space.machinetypes), set(reasons.machinetypes))
        for rules in reasons.machinetypes.values():
            for rule in rules:
                self.assertTrue(rule.name and rule.seen and rule.word, rule)
        for rule in reasons.space:
            self.assertTrue(rule.name and rule.seen, rule)


class OrderTests(SynchronousTestCase):
    def test_order(self) -> None:
        """The order of need has the scores by which it was made, after the creations."""
        types = machinetype("a", target_share=3.0), machinetype("b", target_share=1.0)
        plan = plan_cycle(observation(space=space(*types)))
        found = {need.machinetype: (need.hs06, need.score) for need in plan.reasons.order}
        self.assertEqual({"a": (6.0, 2.0), "b": (2.0, 2.0)}, found)

    def test_superslots(self) -> None:
        """What is kept for machines that end together is told."""
        seen = observation([running()], space=space(processors_per_superslot=4))
        [first] = plan_cycle(evolve(seen, ready={"pilot": "no image"})).reasons.superslots
        self.assertEqual((NOW + 86400, 1, 3), (first.shutdown_time, first.processors, first.lack))


class DrainTests(SynchronousTestCase):
    def drained(self, drain: Drain) -> dict[str, str]:
        types = machinetype("a"), machinetype("b")
        return words(plan_cycle(observation(space=space(*types), drains=(drain,))))

    def drain(self, **changes: Any) -> Drain:
        return evolve(Drain(reason="repairs", by="ann", since=NOW - 60), **changes)

    def test_factory(self) -> None:
        """A drained factory starts nothing."""
        self.assertEqual({"a": "vetoed", "b": "vetoed"}, self.drained(self.drain()))

    def test_machinetype(self) -> None:
        """A drained machinetype starts nothing; others do."""
        found = self.drained(self.drain(machinetype="a"))
        self.assertEqual({"a": "drained", "b": "started"}, found)

    def test_over(self) -> None:
        """A drain ends by itself."""
        for until in (NOW, NOW - 1):
            self.assertEqual("started", self.drained(self.drain(until=until))["a"])

    def test_elsewhere(self) -> None:
        """A drain of another space is none here."""
        self.assertEqual("started", self.drained(self.drain(space="other.test"))["a"])

    def test_told(self) -> None:
        """The verdict says who drained it, until when and why."""
        seen = observation(drains=(self.drain(machinetype="pilot", until=NOW + 600),))
        [verdict] = plan_cycle(seen).verdicts
        self.assertEqual(
            "drained by ann since 2023-11-14 22:12:20Z, until 2023-11-14 22:23:20Z: repairs",
            verdict.text,
        )

    def test_machines_go_on(self) -> None:
        """What is there goes on, whatever is drained."""
        [reviewed] = plan_cycle(observation([running()], drains=(self.drain(),))).machines
        self.assertEqual(State.RUNNING, reviewed.state)


class AskedTests(SynchronousTestCase):
    def test_asked(self) -> None:
        """A machine that an administrator wants gone is destroyed, and is no abort when it is."""
        doom = Doom(outcome=Outcome.STOPPED, text="destroyed by ann", since=NOW)
        one, other = running(0), running(1)
        plan = plan_cycle(observation([one, other], asked={one.uuid: doom}))
        self.assertEqual([one.uuid], [record.uuid for record in plan.destroy])
        self.assertEqual([doom], [record.doom for record in plan.save])


class NextTests(SynchronousTestCase):
    def test_backoff_until(self) -> None:
        """A back-off tells when it ends."""
        seen = observation(histories={"pilot": History(last_abort=NOW - 4)})
        rule = refusing(plan_cycle(seen).reasons.machinetypes["pilot"])
        assert rule is not None, "it backs off"
        self.assertEqual(("back-off", NOW + 6), (rule.name, rule.until))
