"""Tests for vcycle.core.reasons.document and nextchange."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from twisted.trial.unittest import SynchronousTestCase

from tests.core.strategies import observations
from tests.core.values import NOW, observation, running, space
from vcycle.core.backoff import History
from vcycle.core.drains import Drain
from vcycle.core.observation import Observation
from vcycle.core.plan import plan_cycle
from vcycle.core.reasons.document import explain_text
from vcycle.core.snapshot import Snapshot


def document(seen: Observation) -> dict[str, Any]:
    plan = plan_cycle(seen)
    snapshot = Snapshot(
        space=seen.space,
        taken_at=seen.now,
        machines=plan.machines,
        verdicts=plan.verdicts,
        reasons=plan.reasons,
    )
    found: dict[str, Any] = json.loads(explain_text([snapshot], written=seen.now))
    return found


def coming(seen: Observation) -> tuple[Any, str]:
    [kind] = document(seen)["spaces"][0]["machinetypes"]
    return kind["next_at"], kind["next"]


class DocumentTests(SynchronousTestCase):
    @given(observations())
    @settings(max_examples=40)
    def test_any(self, seen: Observation) -> None:
        """Whatever was seen, the document is JSON, and no moment lies before the next cycle."""
        [told] = document(seen)["spaces"]
        for kind in told["machinetypes"]:
            self.assertTrue(kind["next"])
            if kind["next_at"] is not None:
                self.assertGreaterEqual(kind["next_at"], told["next_cycle_at"] - 0.001)

    def test_shape(self) -> None:
        """Programs find each rule with what it saw, and where the machinetype stands."""
        [told] = document(observation([running()]))["spaces"]
        self.assertEqual(NOW + 60, told["next_cycle_at"])
        names = [rule["rule"] for rule in told["rules"]]
        self.assertEqual("problems", names[0])
        self.assertIn("total_processors", names)
        [kind] = told["machinetypes"]
        self.assertEqual(("started", 7, 1), (kind["verdict"], kind["started"], kind["place"]))


class NextTests(SynchronousTestCase):
    def test_backoff(self) -> None:
        """A long back-off ends when it ends, a short one with the next cycle."""
        for since, at in ((4.0, NOW + 60), (-290.0, NOW + 300)):
            seen = observation(histories={"pilot": History(last_abort=NOW - since)})
            self.assertEqual((at, "the first cycle after back-off ends"), coming(seen))

    def test_full(self) -> None:
        """On a full factory something changes when the first machine ends at the latest."""
        full = [running(number, shutdown_time=NOW + 500 + number) for number in range(8)]
        at, text = coming(observation(full))
        self.assertEqual(NOW + 500, at)
        self.assertIn("a machine's end", text)

    def test_never(self) -> None:
        """What only a person changes has no moment."""
        self.assertEqual(
            (None, "a changed configuration"), coming(observation(space=space(draining=True)))
        )
        drain = Drain(reason="x", by="ann", since=NOW)
        self.assertEqual((None, "vcycle resume"), coming(observation(drains=(drain,))))

    def test_drain_ends(self) -> None:
        """A drain with an end tells it."""
        drain = Drain(reason="x", by="ann", since=NOW, until=NOW + 7200)
        self.assertEqual(NOW + 7200, coming(observation(drains=(drain,)))[0])

    def test_vetoed(self) -> None:
        """What each cycle looks at again may be otherwise in the next."""
        at, text = coming(observation(problems=("no network",)))
        self.assertEqual(NOW + 60, at)
        self.assertIn("problems", text)
