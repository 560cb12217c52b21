"""Tests for vcycle.core.vitals: the status file."""

from __future__ import annotations

import json
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, SPACE, record, running, space
from vcycle.core.health import CRITICAL, OK, WARNING, judge
from vcycle.core.machine import State
from vcycle.core.observation import Reviewed
from vcycle.core.snapshot import Snapshot
from vcycle.core.vitals import (
    MOST_IMAGES,
    MOST_LETTERS,
    MOST_PROBLEMS,
    MOST_SPACES,
    Failures,
    Pulse,
    vitals,
)


def pulse(**changes: Any) -> Pulse:
    states = (State.RUNNING, State.DRAINING, State.STARTING, State.REQUESTED, State.DOOMED)
    machines = tuple(
        Reviewed(record=running(number, processors=2), state=state)
        for number, state in enumerate(states)
    )
    snapshot = Snapshot(space=space(), taken_at=NOW, machines=machines, processors_limit=8)
    return Pulse(snapshot=evolve(snapshot, **changes), since=NOW - 1000, answered_at=NOW)


def document(*pulses: Pulse, **more: Any) -> Any:
    wanted: dict[str, Any] = {"responder": None, "written": NOW, "version": "1.0"}
    return json.loads(vitals(pulses, **{**wanted, **more}))


class VitalsTests(SynchronousTestCase):
    def test_space(self) -> None:
        """A space is told of by numbers: what runs, of how much."""
        [one] = document(pulse())["spaces"]
        self.assertEqual(SPACE, one["space"])
        self.assertEqual((5, 2, 2), (one["machines"], one["running"], one["starting"]))
        self.assertEqual(
            (4, 8, 8), tuple(one[k] for k in ("running_processors", "max_processors", "slots"))
        )
        self.assertEqual(NOW, one["heartbeat"])

    def test_judged(self) -> None:
        """What is written is what the check understands."""
        self.assertEqual(OK, judge(document(pulse()), NOW).state)
        ill = pulse(problems=("the disk is full",))
        self.assertEqual(WARNING, judge(document(ill), NOW).state)
        failures = Failures(count=3, at=NOW, text="700 no image")
        failing = evolve(pulse(), failures=failures)
        self.assertIn("700 no image", judge(document(failing), NOW).text)
        mute = evolve(pulse(), answered_at=None)
        self.assertEqual(CRITICAL, judge(document(mute), NOW).state)
        deaf = document(pulse(), responder={"heartbeat": None})
        self.assertEqual(CRITICAL, judge(deaf, NOW).state)
        shut = document(pulse(), problems=("no orders can be given",))
        self.assertEqual(WARNING, judge(shut, NOW).state)
        unsent = document(pulse(), accounting={"waiting": 2, "oldest": 1.0})
        self.assertEqual(WARNING, judge(unsent, NOW).state)

    def test_no_secrets(self) -> None:
        """Nothing of a machine is in it, its secret least of all."""
        text = vitals([pulse()], written=NOW, version="1.0", responder=None)
        self.assertNotIn(record().secret.encode(), text)

    def test_bounds(self) -> None:
        """However much goes wrong, the file stays small."""
        wrong = pulse(problems=("x" * 10_000,) * 100)
        rows = [{"image": "i" * 9000, "confirmed_at": 1.0}] * 1000
        whole = document(*[wrong] * (MOST_SPACES + 9), images=rows)
        self.assertEqual(MOST_SPACES, len(whole["spaces"]))
        self.assertEqual(MOST_PROBLEMS, len(whole["spaces"][0]["problems"]))
        self.assertEqual(MOST_LETTERS, len(whole["spaces"][0]["problems"][0]))
        self.assertEqual(MOST_IMAGES, len(whole["images"]))
        self.assertEqual(MOST_LETTERS, len(whole["images"][0]["image"]))
