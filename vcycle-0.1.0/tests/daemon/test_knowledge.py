"""Tests for vcycle.daemon.knowledge."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, ended, record, running
from vcycle.core.backoff import History
from vcycle.core.machine import Record, Traces
from vcycle.core.remembering import remembered
from vcycle.daemon.knowledge import Knowledge
from vcycle.interfaces import Contents

steps = st.lists(st.integers(-100_000, 100_000).map(float), max_size=6)


def knowing(*records: Record, clock: int = 0) -> Knowledge:
    return Knowledge(
        records={r.uuid: r for r in records},
        traces={record(0).uuid: Traces(heartbeat_at=NOW, message="200 x", message_at=NOW)},
        histories={"pilot": History(last_abort=NOW, proof=None)},
        clock=clock,
    )


class CatchUpTests(SynchronousTestCase):
    def test_each_by_what_it_lacks(self) -> None:
        """A record is corrected for the steps that came after it was written, and no others."""
        known = knowing(record(0), record(1, clock=1), record(2, clock=2), clock=1)
        known.catch_up([10.0, 100.0])
        shifts = [known.records[record(n).uuid].requested_at - NOW for n in range(3)]
        self.assertEqual([110.0, 100.0, 0.0], shifts)
        self.assertEqual({2}, {r.clock for r in known.records.values()})

    def test_all_times(self) -> None:
        """Histories, traces and the time since which we serve are corrected too; None stays."""
        known = knowing(running(0))
        known.served_since = NOW
        known.catch_up([100.0])
        self.assertEqual(History(last_abort=NOW + 100, proof=None), known.histories["pilot"])
        traces = known.traces[record(0).uuid]
        self.assertEqual((NOW + 100, NOW + 100), (traces.heartbeat_at, traces.message_at))
        self.assertEqual(NOW + 100, known.served_since)
        self.assertEqual(1, known.clock)

    @given(steps, st.integers(0, 6), st.integers(0, 6))
    def test_once(self, all_steps: list[float], written: int, looks: int) -> None:
        """However the steps are met, one at a time or all at once, each counts once."""
        written = min(written, len(all_steps))
        at_once, by_one = (knowing(record(0, clock=written), clock=written) for _ in range(2))
        at_once.catch_up(all_steps)
        for seen in range(min(looks, len(all_steps)), len(all_steps) + 1):
            by_one.catch_up(all_steps[:seen] if seen >= written else all_steps[:written])
        by_one.catch_up(all_steps)
        self.assertEqual(at_once, by_one)
        at_once.catch_up(all_steps)
        self.assertEqual(by_one, at_once)

    def test_forgotten(self) -> None:
        """Where steps were forgotten, nothing is corrected for them, and later ones still count."""
        known = knowing(record(0, clock=5), clock=5)
        known.catch_up([])
        self.assertEqual(NOW, known.records[record(0).uuid].requested_at)
        known.catch_up([7.0])
        self.assertEqual(NOW + 7, known.records[record(0).uuid].requested_at)
        self.assertEqual(History(last_abort=NOW + 7), known.histories["pilot"])


class KnowledgeTests(SynchronousTestCase):
    def test_of(self) -> None:
        """What the store held is known, with the pulse that was remembered beside it."""
        seen = running(0, seen_at=NOW + 50, cpu_seconds=9.0)
        memory = remembered({"pilot": History(last_abort=NOW)}, [seen], 3)
        contents = Contents(
            records=(running(0),), traces={seen.uuid: Traces(heartbeat_at=NOW)}, damaged=()
        )
        known = Knowledge.of(contents, memory)
        self.assertEqual({seen.uuid: seen}, known.records)
        self.assertEqual(NOW, known.traces[seen.uuid].heartbeat_at)
        self.assertEqual(History(last_abort=NOW), known.histories["pilot"])
        self.assertEqual(3, known.clock)

    def test_nothing(self) -> None:
        """A store that held nothing, or a memory without sense, is a fresh start."""
        contents = Contents(records=(), traces={}, damaged=())
        self.assertEqual(Knowledge(), Knowledge.of(contents, {"clock": "x", "pulses": 3}))

    def test_forget(self) -> None:
        """Only its slot remembers a machine that is over; the next one there takes its place."""
        known = knowing(running(0), running(1))
        known.unsaved.add(record(0).uuid)
        known.forget(ended(0))
        self.assertEqual([record(1).uuid], list(known.records))
        self.assertEqual(({}, set()), (known.traces, known.unsaved))
        self.assertEqual({0: ended(0)}, known.over)
        later = evolve(ended(7), slot=0)
        known.forget(later)
        self.assertEqual({0: later}, known.over)
