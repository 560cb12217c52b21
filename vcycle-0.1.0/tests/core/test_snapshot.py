"""Tests for vcycle.core.snapshot."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from twisted.trial.unittest import SynchronousTestCase

from tests.core.strategies import hostile, observations
from tests.core.values import NOW, ended, machinetype, record, running, space, uuid
from vcycle.core.backoff import History
from vcycle.core.machine import Doom, Outcome, Record, State, Traces
from vcycle.core.observation import Observation, Reviewed, Verdict
from vcycle.core.plan import plan_cycle
from vcycle.core.snapshot import Snapshot, counts_line, status_text


def snapshot(*machines: tuple[Record, State], **changes: Any) -> Snapshot:
    """A space with these machines."""
    reviewed = tuple(Reviewed(record=record, state=state) for record, state in machines)
    wanted = {"space": space(), "taken_at": NOW, "machines": reviewed, "processors_limit": 8}
    return Snapshot(**{**wanted, **changes})


def status(*snapshots: Snapshot) -> Any:
    """The document that programs read."""
    return json.loads(status_text(snapshots, written=NOW + 1, version="1.0"))


class CountsTests(SynchronousTestCase):
    def test_line(self) -> None:
        """Running machines, their limit, processors, their limit, and HS06; no newline."""
        machines = (
            (running(0, processors=2, hs06_per_processor=10.5), State.RUNNING),
            (running(1), State.DRAINING),
            (record(2, processors=4), State.REQUESTED),
            (running(3), State.DOOMED),
        )
        self.assertEqual("2 8 3 8 22.00", counts_line(snapshot(*machines)))
        capped = snapshot(*machines, space=space(total_machines=5))
        self.assertEqual("2 5 3 8 22.00", counts_line(capped))

    def test_not_known(self) -> None:
        """Limits that are not known leave five fields all the same."""
        line = counts_line(snapshot((running(), State.RUNNING), processors_limit=None))
        self.assertEqual("1 1 1 0 1.00", line)


class StatusTests(SynchronousTestCase):
    def test_machine(self) -> None:
        """Each machine is told with its state, its times, its last words, and why it goes."""
        doom = Doom(outcome=Outcome.SILENT, text="700 Heartbeat file not updated", since=NOW)
        doomed = running(doom=doom, cpu_seconds=1.23456)
        told = snapshot(
            (doomed, State.DOOMED),
            (running(1), State.DRAINING),
            traces={uuid(1): Traces(message="200 Done", message_at=NOW)},
            over=(ended(2, message="300 No work", outcome=Outcome.ABORTED),),
        )
        first, second, third = status(told)["spaces"][0]["machines"]
        self.assertEqual(
            ("doomed", 1.235, "700 Heartbeat file not updated", None),
            (first["state"], first["cpu_seconds"], first["why"], first["message"]),
        )
        self.assertEqual(("draining", "200 Done"), (second["state"], second["message"]))
        self.assertEqual("until 2023-11-15 22:13:20Z", second["why"])
        self.assertEqual(
            ("ended", "aborted", "300 No work"), (third["state"], third["why"], third["message"])
        )

    def test_machinetypes(self) -> None:
        """Each machinetype is told with its machines, its last abort and its verdict."""
        told = snapshot(
            (record(0, machinetype="a"), State.REQUESTED),
            (running(1, machinetype="a"), State.RUNNING),
            (running(2, machinetype="gone"), State.RUNNING),
            space=space(machinetype("a"), machinetype("b", target_share=0.0)),
            verdicts=(Verdict(machinetype="a", word="vetoed", text="draining = yes"),),
            histories={"a": History(last_abort=NOW)},
        )
        self.assertEqual(
            [
                {
                    "machinetype": "a",
                    "target_share": 1.0,
                    "machines": 2,
                    "starting": 1,
                    "last_abort": NOW,
                    "verdict": "vetoed",
                    "reason": "draining = yes",
                },
                {
                    "machinetype": "b",
                    "target_share": 0.0,
                    "machines": 0,
                    "starting": 0,
                    "last_abort": None,
                    "verdict": "unknown",
                    "reason": "no cycle yet",
                },
            ],
            status(told)["spaces"][0]["machinetypes"],
        )

    def test_frame(self) -> None:
        """The document says its version, when it was written, by whom, and holds each space."""
        told = status(snapshot(problems=("a file is wrong",)))
        self.assertEqual((1, NOW + 1), (told["version"], told["written"]))
        self.assertEqual("Vcycle 1.0 vcycled", told["daemon_version"])
        (only,) = told["spaces"]
        self.assertEqual(["a file is wrong"], only["problems"])
        self.assertEqual([], status()["spaces"])

    def test_no_secrets(self) -> None:
        """A machine's secret is nobody else's to read."""
        text = status_text([snapshot((running(), State.RUNNING))], written=NOW, version="1")
        self.assertNotIn(b"only-ours", text)

    @given(observations() | hostile())
    def test_any(self, seen: Observation) -> None:
        """What any plan leads to can be published as strict JSON in ASCII."""
        made = plan_cycle(seen)
        told = Snapshot(
            space=seen.space,
            taken_at=seen.now,
            machines=made.machines,
            traces=seen.traces,
            over=made.end,
            verdicts=made.verdicts,
            histories=made.histories,
            problems=seen.problems,
        )
        document = status(told)["spaces"][0]
        self.assertEqual(len(made.machines) + len(made.end), len(document["machines"]))
        self.assertEqual(5, len(counts_line(told).split()))
