"""Tests for vcycle.core.remembering."""

from __future__ import annotations

import json
import math

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.strategies import NAMES, histories, living, outlooks
from tests.core.values import NOW, record, running, uuid
from vcycle.core.backoff import History
from vcycle.core.clock import moved
from vcycle.core.machine import Record
from vcycle.core.outlook import Outlook
from vcycle.core.remembering import MAX_TEXT, Memory, Pulse, recall, remembered, restored

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def kept(memory: dict[str, object]) -> dict[str, object]:
    """What a memory is after it was on disk."""
    read: dict[str, object] = json.loads(json.dumps(memory, allow_nan=False))
    return read


class RememberingTests(SynchronousTestCase):
    @given(
        st.dictionaries(st.sampled_from(NAMES), histories),
        st.lists(living(at=st.floats(0, 4e9)), max_size=1),
        st.integers(0, 9),
    )
    def test_round_trip(
        self, learnt: dict[str, History], machines: list[Record], clock: int
    ) -> None:
        """Histories and pulses come back as they were, to the millisecond."""
        sane = {
            name: evolve(
                history,
                last_abort=None if history.last_abort is None else abs(history.last_abort),
                proof=None if history.proof is None else abs(history.proof),
            )
            for name, history in learnt.items()
        }
        memory = recall(kept(remembered(sane, machines, clock)))
        self.assertEqual((sane, clock), (memory.histories, memory.clock))
        for machine in machines:
            if machine.seen_at is not None and machine.seen_at >= machine.requested_at:
                back = restored(evolve(machine, seen_at=None), memory.pulses[machine.uuid])
                self.assertAlmostEqual(machine.seen_at, back.seen_at or 0.0, places=2)

    @given(outlooks)
    def test_outlook(self, outlook: Outlook) -> None:
        """The space's last abort and proof come back; who was the scout is found anew."""
        sane = evolve(
            outlook,
            abort=outlook.abort and evolve(outlook.abort, at=abs(outlook.abort.at)),
            proof=None if outlook.proof is None else abs(outlook.proof),
        )
        memory = recall(kept(remembered({"pilot": History(outlook=sane)}, (), 0)))
        self.assertEqual(
            Outlook(abort=sane.abort, proof=sane.proof), memory.histories["pilot"].outlook
        )

    def test_no_outlook(self) -> None:
        """A memory without one, or with one that makes no sense, has none."""
        senseless: list[object] = [
            None,
            [],
            {},
            {"at": "x", "factory": "f"},
            {"at": 1, "factory": 7},
        ]
        for value in ({}, *({"space_abort": abort, "space_proof": "x"} for abort in senseless)):
            self.assertEqual({"p": History()}, recall({"histories": {"p": value}}).histories)

    def test_as_written(self) -> None:
        """What is on disk of a machine is one short list: how old it was, and its CPU time."""
        machine = running(seen_at=NOW + 60.25, cpu_seconds=31.5)
        memory = remembered({}, [machine, record(1)], 2)
        self.assertEqual({uuid(0): [60.25, 31.5]}, memory["pulses"])

    def test_restored(self) -> None:
        """The pulse tells what the record, written before, could not; a later record wins."""
        machine = running()
        told = restored(machine, Pulse(age=3600.0, cpu_seconds=99.0))
        self.assertEqual((NOW + 3600, 99.0), (told.seen_at, told.cpu_seconds))
        self.assertEqual(told, restored(told, Pulse(age=60.0, cpu_seconds=1.0)))
        self.assertEqual(machine, restored(machine, None))

    def test_promise_13(self) -> None:
        """Restored before or after a clock step is corrected, a record is the same."""
        machine, pulse = running(), Pulse(age=3600.0, cpu_seconds=99.0)
        self.assertEqual(
            moved(restored(machine, pulse), 500.0, 1), restored(moved(machine, 500.0, 1), pulse)
        )

    @given(st.dictionaries(st.sampled_from(["histories", "pulses", "clock", "x"]), anything))
    def test_any(self, memory: dict[str, object]) -> None:
        """Whatever was read, what makes no sense is forgotten; no number is left that is none."""
        recalled = recall(memory)
        numbers = [pulse.age for pulse in recalled.pulses.values()]
        numbers += [pulse.cpu_seconds for pulse in recalled.pulses.values()]
        for history in recalled.histories.values():
            numbers += [at for at in (history.last_abort, history.proof) if at is not None]
        self.assertTrue(all(math.isfinite(number) and number >= 0 for number in numbers))
        self.assertGreaterEqual(recalled.clock, 0)

    def test_nothing(self) -> None:
        """An empty memory is the beginning."""
        self.assertEqual(Memory(histories={}, pulses={}), recall({}))

    def test_hostile(self) -> None:
        """Each row: a value out of place, and what is left of it."""
        for value in (True, "7", -1, math.nan, math.inf, 10**400, [1], None):
            memory = recall({"histories": {"pilot": {"last_abort": value}}, "clock": value})
            self.assertIsNone(memory.histories["pilot"].last_abort)
            self.assertEqual({}, recall({"pulses": {"u": [value, 1]}}).pulses)
        long = recall({"histories": {"pilot": {"abort_message": "x" * 999}}})
        self.assertEqual("x" * MAX_TEXT, long.histories["pilot"].abort_message)
