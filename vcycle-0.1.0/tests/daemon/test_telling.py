"""Tests for vcycle.daemon.telling: each thing is said once, when it changes."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import observation
from tests.daemon.spoken import listening
from vcycle.core.observation import Plan, Verdict
from vcycle.core.plan import plan_cycle
from vcycle.daemon.telling import Telling

BACKING_OFF = Verdict(machinetype="atlas", word="backing-off", text="backs off for 9m 10s")
STILL = evolve(BACKING_OFF, text="backs off for 8m 10s")
STARTED = Verdict(machinetype="atlas", word="started", text="started 1", started=1)


def plan(**changes: Any) -> Plan:
    """A plan in which nothing is to be told, but for the changes."""
    wanted: dict[str, Any] = {"verdicts": (), "veto": None, "alarms": (), **changes}
    return evolve(plan_cycle(observation()), **wanted)


class TellingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.telling = Telling("space.example.com")

    def said(self, *plans: Plan) -> list[str]:
        with listening() as said:
            for one in plans:
                self.telling.plan(one)
        return [line.replace("space.example.com", "S") for line in said]

    def test_verdict(self) -> None:
        """A verdict is said when its word changes, however its figures do."""
        one, two = plan(verdicts=(BACKING_OFF,)), plan(verdicts=(STILL,))
        self.assertEqual(["info: S: atlas: backs off for 9m 10s"], self.said(one, two, one))

    def test_started(self) -> None:
        """A start has lines of its own; what comes after it is news again."""
        backing_off, started = plan(verdicts=(BACKING_OFF,)), plan(verdicts=(STARTED,))
        self.assertEqual(
            ["info: S: atlas: backs off for 9m 10s"] * 2,
            self.said(backing_off, started, started, backing_off),
        )

    def test_veto(self) -> None:
        """A veto is said once for all machinetypes; when it comes back it is said again."""
        full = plan(veto="all 8 processors are in use")
        fuller = plan(veto="all 9 processors are in use")
        line = "info: S: no machines are created: all 8 processors are in use"
        self.assertEqual([line, line], self.said(full, fuller, plan(), full))

    def test_other_veto(self) -> None:
        """Another veto is news."""
        self.assertEqual(2, len(self.said(plan(veto="draining = yes"), plan(veto="no answer"))))

    def test_vetoed_verdicts(self) -> None:
        """That a machinetype is vetoed as all are is no line, nor is it when that is over."""
        vetoed = Verdict(machinetype="atlas", word="vetoed", text="draining")
        before, during = plan(verdicts=(BACKING_OFF,)), plan(verdicts=(vetoed,))
        self.assertEqual(1, len(self.said(before, during, before)))

    def test_alarms(self) -> None:
        """An alarm is said while it is new, and again when it comes back."""
        one, two = plan(alarms=("x is odd",)), plan(alarms=("x is odd", "y is odd"))
        self.assertEqual(
            ["warn: S: x is odd", "warn: S: y is odd", "warn: S: x is odd"],
            self.said(one, one, two, plan(), one),
        )

    def test_troubles(self) -> None:
        """What a cycle could not do is said once for as long as it is so."""
        with listening() as said:
            for texts in (["disk full"], ["disk full"], [], ["disk full"]):
                self.telling.troubles(texts)
        self.assertEqual(["warn: space.example.com: disk full"] * 2, said)

    def test_provider(self) -> None:
        """A provider that is lost is said once, and its return with the time it took."""
        with listening() as said:
            self.telling.answered(90.0)
            for at in (100.0, 160.0, 220.0):
                self.telling.lost("no connection", at)
            self.telling.answered(280.0)
            self.telling.answered(340.0)
            self.telling.lost("hangs", 400.0)
        start = "space.example.com:"
        lost = f"warn: {start} no answer from the provider, machines are left as they are:"
        self.assertEqual(
            [
                f"{lost} no connection",
                f"info: {start} the provider answers again after 3m 00s",
                f"{lost} hangs",
            ],
            said,
        )
