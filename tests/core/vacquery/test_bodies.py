"""Tests for vcycle.core.vacquery.bodies: what a factory tells of itself."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import FACTORY, NOW, SPACE, ended, machinetype, record, running, space
from vcycle.core.backoff import History
from vcycle.core.machine import Doom, Outcome, State, Traces
from vcycle.core.observation import Reviewed
from vcycle.core.snapshot import Snapshot
from vcycle.core.vacquery.bodies import (
    Bodies,
    abort_text,
    bodies,
    factory_status,
    machine_statuses,
    machinetype_statuses,
)
from vcycle.core.vacquery.decode import decode_answer
from vcycle.core.vacquery.encode import head
from vcycle.core.vacquery.facts import FactoryFacts
from vcycle.core.vacquery.messages import Answer, Kind, MachineStatus, MachinetypeStatus

FACTS = FactoryFacts(processors=64, load_average=1.5, kernel_version="6.1", boot_time=7)


def snapshot(*machines: Reviewed, **changes: Any) -> Snapshot:
    wanted: dict[str, Any] = {
        "space": space(machinetype(), machinetype("probe"), total_machines=3),
        "taken_at": NOW + 700,
        "machines": machines,
        "processors_limit": 8,
    }
    return Snapshot(**{**wanted, **changes})


def living(number: int, state: State = State.RUNNING, **changes: Any) -> Reviewed:
    return Reviewed(record=running(number, **changes), state=state)


def machines(of: Snapshot) -> dict[str, MachineStatus]:
    return {each.machine: each for each in machine_statuses(of)}


def machinetypes(of: Snapshot) -> dict[str, MachinetypeStatus]:
    return {each.machinetype: each for each in machinetype_statuses(of)}


class MachineTests(SynchronousTestCase):
    def test_slots(self) -> None:
        """Each slot is told once: who is in it, else who was, else that it is empty."""
        over = ended(1, message="200 Success")
        found = machines(snapshot(living(0), over=(ended(0), over)))
        self.assertEqual(
            {
                "factory1-00.example.com": ("Running", None),
                "factory1-01.example.com": ("Shut down", "200 Success"),
                "factory1-02.example.com": ("Shut down", None),
            },
            {name: (each.state, each.shutdown_message) for name, each in found.items()},
        )
        self.assertEqual({3}, {each.num_machines for each in found.values()})
        empty = found["factory1-02.example.com"]
        self.assertEqual((None, None, 0), (empty.uuid, empty.machinetype, empty.num_processors))
        self.assertEqual(int(NOW + 3600), found["factory1-01.example.com"].shutdown_time)

    def test_beyond_the_slots(self) -> None:
        """A machine above a limit that was lowered is told of, what ended there is not."""
        found = machines(snapshot(living(7), over=(ended(9),)))
        self.assertEqual(4, len(found))
        self.assertIn("factory1-07.example.com", found)
        self.assertEqual({4}, {each.num_machines for each in found.values()})

    def test_no_slots(self) -> None:
        """Where there is no limit the machines that are there are told of."""
        unlimited = space(machinetype(), total_machines=None, total_processors=None)
        found = machines(
            snapshot(living(7), space=unlimited, processors_limit=None, over=(ended(1),))
        )
        self.assertEqual(["factory1-07.example.com"], list(found))

    def test_words(self) -> None:
        """Our states are told in the family's words."""
        paused = Doom(outcome=Outcome.PAUSED, text="700 Paused", since=NOW)
        for state, changes, word in (
            (State.REQUESTED, {}, "Starting"),
            (State.STARTING, {}, "Starting"),
            (State.RUNNING, {}, "Running"),
            (State.DRAINING, {}, "Running"),
            (State.MISSING, {}, "Unknown"),
            (State.DOOMED, {"doom": evolve(paused, outcome=Outcome.SILENT)}, "Deleting"),
            (State.DOOMED, {"doom": paused}, "Paused"),
        ):
            found = machines(snapshot(living(0, state, **changes)))
            self.assertEqual(word, found["factory1-00.example.com"].state)

    def test_fields(self) -> None:
        """A running machine is told with its last message, its CPU time and its benchmark."""
        wanted = living(
            0, processors=2, hs06_per_processor=10.5, cpu_seconds=99.9, cpu_percentage=187.5
        )
        traces = {wanted.record.uuid: Traces(message="200 Success", message_at=NOW + 650)}
        found = machines(snapshot(wanted, traces=traces))["factory1-00.example.com"]
        self.assertEqual((99, 187.5, 21.0), (found.cpu_seconds, found.cpu_percentage, found.hs06))
        self.assertEqual(
            ("200 Success", int(NOW) + 650), (found.shutdown_message, found.shutdown_time)
        )
        self.assertEqual((int(NOW), int(NOW)), (found.started_time, found.heartbeat_time))


class MachinetypeTests(SynchronousTestCase):
    def test_counts(self) -> None:
        """All that are starting and running count; those before fizzle_seconds once more."""
        old, young = living(0, processors=2), living(1, started_at=NOW + 650)
        starting = Reviewed(record=record(2), state=State.STARTING)
        found = machinetypes(snapshot(old, young, starting))
        pilot = found["pilot"]
        self.assertEqual(
            (4.0, 3, 4, 2),
            (
                pilot.running_hs06,
                pilot.running_machines,
                pilot.running_processors,
                pilot.num_before_fizzle,
            ),
        )
        self.assertEqual((2, 2048 << 20), (pilot.num_machinetypes, pilot.bytes_per_processor))
        self.assertEqual((0.0, 0), (found["probe"].running_hs06, found["probe"].running_machines))

    def test_abort(self) -> None:
        """The most recent abort is told, whatever ended well since; without one nothing is."""
        history = History(
            last_abort=NOW + 5.5, abort_message="300 Nothing to do", abort_machine="m", proof=NOW
        )
        found = machinetypes(snapshot(histories={"pilot": history}, over=(ended(0),)))
        pilot, probe = found["pilot"], found["probe"]
        self.assertEqual(
            ("300 Nothing to do", int(NOW) + 5, "m"),
            (pilot.shutdown_message, pilot.shutdown_time, pilot.shutdown_machine),
        )
        self.assertEqual((None, None), (probe.shutdown_message, probe.shutdown_time))

    def test_abort_text(self) -> None:
        """Others know an abort by its code, so that each has one."""
        for message, text in (
            ("700 Failed to start", "700 Failed to start"),
            ("crashed", "300 crashed"),
            ("200 Success", "300 200 Success"),
            (None, "300 Ended without a message"),
        ):
            self.assertEqual(text, abort_text(message))

    def test_not_configured(self) -> None:
        """Machines of a machinetype that is not configured any more are told as machines only."""
        found = machinetypes(snapshot(living(0, machinetype="gone")))
        self.assertEqual(["pilot", "probe"], list(found))


class FactoryTests(SynchronousTestCase):
    def test_counts(self) -> None:
        """A factory tells what runs on it, what could, and how its host is."""
        starting = Reviewed(record=record(1), state=State.STARTING)
        found = factory_status(snapshot(living(0, processors=2), starting), FACTS)
        self.assertEqual(
            (1, 2, 2.0, 3, 8, 8.0),
            (
                found.running_machines,
                found.running_processors,
                found.running_hs06,
                found.max_machines,
                found.max_processors,
                found.max_hs06,
            ),
        )
        self.assertEqual(
            (1.5, "6.1", 7), (found.load_average, found.kernel_version, found.boot_time)
        )

    def test_no_limit(self) -> None:
        """Without a limit it is the host's processors."""
        unlimited = space(machinetype(), hs06_per_processor=10.0)
        found = factory_status(snapshot(space=unlimited, processors_limit=None), FACTS)
        self.assertEqual((64, 640.0), (found.max_processors, found.max_hs06))


class BodiesTests(SynchronousTestCase):
    def all_of(self, found: Bodies, kind: Kind) -> list[Answer]:
        beginning = head(b'"c"', 9_999_999_999)
        return [decode_answer(beginning + tail) for tail in found.of(kind)]

    def test_answers(self) -> None:
        """With a head each body is an answer, and there are as many as they say."""
        found = bodies(snapshot(living(0)), FACTS)
        for kind, count in ((Kind.MACHINES, 3), (Kind.MACHINETYPES, 2), (Kind.FACTORY, 1)):
            told = self.all_of(found, kind)
            self.assertEqual(count, len(told))
            for each in told:
                self.assertEqual(
                    ("c", 9_999_999_999, SPACE, FACTORY, "example.com"),
                    (each.cookie, each.time_sent, each.space, each.factory, each.site),
                )

    def test_no_machinetypes(self) -> None:
        """A factory without machinetypes says so by saying nothing of them."""
        found = bodies(snapshot(space=space(total_machines=1, machinetypes={})), FACTS)
        self.assertEqual((1, 0, 1), tuple(len(found.of(kind)) for kind in Kind))
