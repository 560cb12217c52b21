"""Tests for vcycle.core.supervision."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.strategies import knowns, living, spans
from tests.core.values import CLOUD, NOW, TRAITS, ended, known, record, running, sighting
from vcycle.core.features import GRACE_SECONDS
from vcycle.core.machine import (
    Condition,
    Doom,
    Ending,
    Limits,
    Outcome,
    Record,
    State,
    Traces,
    Traits,
)
from vcycle.core.supervision import MESSAGES, TRANSITIONS, Deadlines, Known, Review, review

DEADLINES = Deadlines()
BEATING = Limits(
    fizzle_seconds=600, max_wallclock_seconds=86400, heartbeat_file="beat", heartbeat_seconds=300
)
SAID = Traces(message="200 Done", message_at=NOW)


def seen(of: Record, condition: Condition = Condition.RUNNING, **changes: Any) -> Known:
    """The machine is listed in that condition."""
    return known(sighting(of, condition), **changes)


def look(of: Record, what: Known, after: float = 60.0) -> Review:
    """A look, so many seconds after NOW."""
    return review(of, what, DEADLINES, NOW + after)


class StateTests(SynchronousTestCase):
    def test_table(self) -> None:
        """Each row: a record, what is known, seconds after NOW, and the state that follows."""
        doomed = running(doom=Doom(outcome=Outcome.SILENT, text="", since=NOW))
        lost = running(missing_since=NOW)
        gone = known(absent=True)
        gone_of_cloud = known(absent=True, traits=CLOUD)
        rows: list[tuple[Record, Known, float, State]] = [
            (record(), known(), 1e6, State.REQUESTED),
            (record(seen_at=NOW), known(), 1e6, State.STARTING),
            (running(), known(), 1e6, State.RUNNING),
            (running(), known(traces=SAID), 1e6, State.DRAINING),
            (lost, known(), 1e6, State.MISSING),
            (doomed, known(), 1e6, State.DOOMED),
            (ended(), known(), 1e6, State.ENDED),
            (record(), gone, TRAITS.settle_seconds - 1, State.REQUESTED),
            (record(), gone, TRAITS.settle_seconds, State.ENDED),
            (record(), seen(record(), Condition.PENDING), 0, State.STARTING),
            (record(), seen(record(), Condition.PENDING), DEADLINES.start - 1, State.STARTING),
            (record(), seen(record(), Condition.PENDING), DEADLINES.start, State.DOOMED),
            (record(seen_at=NOW), gone, 0, State.ENDED),
            (record(), seen(record()), 1e4, State.RUNNING),
            (running(), seen(running()), 60, State.RUNNING),
            (running(), seen(running(), Condition.PENDING), 60, State.RUNNING),
            (running(), seen(running(), traces=SAID), 60, State.DRAINING),
            (running(), seen(running(), traces=SAID), DEADLINES.drain - 1, State.DRAINING),
            (running(), seen(running(), traces=SAID), DEADLINES.drain, State.DOOMED),
            (running(), seen(running(), Condition.PAUSED), 60, State.DOOMED),
            (running(), seen(running(), Condition.STOPPED), 60, State.ENDED),
            (running(), seen(running()), 86400, State.RUNNING),
            (running(), seen(running()), 86401, State.DOOMED),
            (running(), gone, 60, State.ENDED),
            (running(), gone_of_cloud, 60, State.MISSING),
            (lost, gone_of_cloud, DEADLINES.missing - 1, State.MISSING),
            (lost, gone_of_cloud, DEADLINES.missing, State.ENDED),
            (lost, seen(lost), 60, State.RUNNING),
            (record(), gone_of_cloud, TRAITS.settle_seconds - 1, State.REQUESTED),
            (record(), gone_of_cloud, TRAITS.settle_seconds, State.MISSING),
            (record(seen_at=NOW), gone_of_cloud, 0, State.MISSING),
            (
                record(seen_at=NOW, missing_since=NOW),
                seen(record(), Condition.PENDING),
                60,
                State.STARTING,
            ),
            (doomed, seen(doomed), 60, State.DOOMED),
            (doomed, gone, 60, State.ENDED),
            (doomed, gone_of_cloud, 60, State.DOOMED),
            (evolve(doomed, missing_since=NOW), gone_of_cloud, DEADLINES.missing, State.ENDED),
        ]
        for number, (of, what, after, state) in enumerate(rows):
            self.assertEqual(state, look(of, what, after).state, f"row {number}")

    @given(st.data(), living())
    def test_reviewing_twice(self, data: st.DataObject, of: Record) -> None:
        """The same look a second time tells nothing new."""
        what = data.draw(knowns(of))
        first = review(of, what, DEADLINES, NOW)
        self.assertEqual(first, review(first.record, what, DEADLINES, NOW))

    @given(st.data(), living())
    def test_outcome_when_ended(self, data: st.DataObject, of: Record) -> None:
        """A machine has an end and an outcome exactly when its state is ENDED."""
        result = review(of, data.draw(knowns(of)), DEADLINES, NOW)
        over = result.state is State.ENDED
        self.assertEqual(over, result.record.outcome is not None)
        self.assertEqual(over, result.record.ended_at is not None)

    @given(st.data(), living())
    def test_nothing_known(self, data: st.DataObject, of: Record) -> None:
        """Promise 4: of what is neither listed nor absent nothing follows, whatever is told."""
        what = evolve(data.draw(knowns(of)), sighting=None, absent=False)
        result = review(of, what, DEADLINES, NOW)
        self.assertEqual(of, result.record)
        self.assertIsNot(State.ENDED, result.state)

    @given(st.data(), st.lists(st.tuples(st.booleans(), spans), max_size=12))
    def test_transitions(self, data: st.DataObject, looks: list[tuple[bool, float]]) -> None:
        """Whatever looks come one after another, a machine moves only as the table says."""
        of, state, now = record(limits=BEATING), State.REQUESTED, NOW
        traits = data.draw(st.sampled_from([TRAITS, CLOUD]))
        traces = Traces()
        for says, seconds in looks:
            now += seconds
            if says:
                traces = Traces(heartbeat_at=now, message=traces.message, message_at=now)
            what = evolve(data.draw(knowns(of)), traces=traces, traits=traits)
            result = review(of, what, DEADLINES, now)
            self.assertIn(result.state, TRANSITIONS[state])
            of, state = result.record, result.state

    @given(living(), spans, st.sampled_from([TRAITS, CLOUD]))
    def test_promise_5(self, of: Record, seconds: float, traits: Traits) -> None:
        """Every state has a deadline: who is absent is over before long, whatever it was."""
        what = evolve(known(absent=True), traits=traits)
        of = evolve(of, requested_at=NOW, missing_since=None)
        after_settling = NOW + TRAITS.settle_seconds + seconds
        first = review(of, what, DEADLINES, after_settling)
        last = review(first.record, what, DEADLINES, after_settling + DEADLINES.missing)
        self.assertIs(State.ENDED, last.state)

    @given(living(), st.sampled_from(Condition))
    def test_promise_5_listed(self, of: Record, condition: Condition) -> None:
        """Every state has a deadline: who is listed for ever is doomed before long."""
        late = 1.0 + max(of.shutdown_time, of.requested_at + DEADLINES.start)
        result = review(of, seen(of, condition), DEADLINES, late)
        if result.record.started_at == late:
            late = max(late, of.shutdown_time + 1)
            result = review(result.record, seen(of, condition), DEADLINES, late)
        self.assertIn(result.state, {State.DOOMED, State.ENDED})


class FactTests(SynchronousTestCase):
    def test_started(self) -> None:
        """A machine started when it was first seen running, or was asked for if it ran unseen."""
        self.assertEqual(NOW + 60, look(record(), seen(record())).record.started_at)
        pending = look(record(), seen(record(), Condition.PENDING)).record
        self.assertIsNone(pending.started_at)
        ending = Ending(at=NOW + 9, how="shutdown")
        for unseen in (
            known(absent=True, ending=ending),
            known(absent=True, traces=SAID),
            known(absent=True, traces=Traces(heartbeat_at=NOW + 1)),
            seen(record(), Condition.STOPPED, traces=SAID),
        ):
            self.assertEqual(NOW, look(record(), unseen, 9).record.started_at)

    def test_seen_again(self) -> None:
        """A machine that is back is no longer missing."""
        self.assertIsNone(look(running(missing_since=NOW), seen(running())).record.missing_since)

    def test_cpu(self) -> None:
        """CPU time never shrinks; its percentage is of one processor, since the last look."""
        of = running(cpu_seconds=100.0)
        result = look(of, known(sighting(of, cpu_seconds=160.0)), 120).record
        self.assertEqual((160.0, 50.0), (result.cpu_seconds, result.cpu_percentage))
        again = look(result, known(sighting(of, cpu_seconds=1.0)), 240).record
        self.assertEqual((160.0, 0.0), (again.cpu_seconds, again.cpu_percentage))

    def test_shutdown_time(self) -> None:
        """The space's shutdown_time shortens every machine's own, and never lengthens it."""
        for end_before, expected in ((NOW + 1000, NOW + 1000), (NOW + 1e6, NOW + 86400)):
            result = look(running(), seen(running(), end_before=end_before)).record
            self.assertEqual(expected, result.shutdown_time)

    def test_grace(self) -> None:
        """A machine has the notice that its features promise, whatever shutdown_time says."""
        what = seen(running(), end_before=NOW - 5)
        first = look(running(), what).record
        told = first.shutdown_time
        self.assertGreaterEqual(told - NOW - 60, GRACE_SECONDS)
        for after in (60, GRACE_SECONDS, told - NOW - 60):
            again = look(first, what, after).record
            self.assertEqual((told, None), (again.shutdown_time, again.doom))
        doom = look(first, what, told - NOW + 1).record.doom
        self.assertEqual(MESSAGES["shutdown"], doom and doom.text)

    def test_no_grace_over_the_end(self) -> None:
        """Notice makes no machine live longer than it was promised."""
        short = running(shutdown_time=NOW + 120)
        result = look(short, seen(short, end_before=NOW)).record
        self.assertEqual(NOW + 120, result.shutdown_time)


class DoomTests(SynchronousTestCase):
    def doom(self, of: Record, what: Known, after: float) -> Doom | None:
        return look(of, what, after).record.doom

    def test_reasons(self) -> None:
        """Each row: what is wrong with a machine, and the outcome and the words that it gets."""
        stuck, stopped = record(seen_at=NOW), running(shutdown_time=NOW)
        rows: list[tuple[Record, Known, float, Outcome, str]] = [
            (running(), seen(running(), Condition.PAUSED), 1, Outcome.PAUSED, "paused"),
            (stopped, seen(stopped, end_before=NOW), 1, Outcome.STOPPED, "shutdown"),
            (
                stuck,
                seen(stuck, Condition.PENDING),
                600,
                Outcome.NEVER_STARTED,
                "not-started",
            ),
            (running(), seen(running()), 86401, Outcome.OVERTIME, "overtime"),
            (running(), seen(running(), traces=SAID), 300, Outcome.COMPLETED, "lingering"),
        ]
        for of, what, after, outcome, word in rows:
            doom = self.doom(of, what, after)
            self.assertEqual(Doom(outcome=outcome, text=MESSAGES[word], since=NOW + after), doom)

    def test_doom_stays(self) -> None:
        """A machine that is doomed stays so, with its first reason."""
        doom = Doom(outcome=Outcome.SILENT, text="first", since=NOW)
        self.assertEqual(doom, self.doom(running(doom=doom), seen(running()), 1e6))

    def test_heartbeat(self) -> None:
        """Each row: last heartbeat, seconds since the start, and what is said if it is too late."""
        created, updated = MESSAGES["not-created"], MESSAGES["not-updated"]
        rows: list[tuple[float | None, float, str | None]] = [
            (None, 600, None),
            (None, 601, created),
            (1, 600, None),
            (1, 601, updated),
            (500, 800, None),
            (500, 801, updated),
        ]
        for beat, after, words in rows:
            traces = Traces(heartbeat_at=None if beat is None else NOW + beat)
            of = running(limits=BEATING)
            doom = self.doom(of, seen(of, traces=traces), after)
            self.assertEqual(words, None if doom is None else doom.text, (beat, after))
            self.assertIn(None if doom is None else doom.outcome, {None, Outcome.SILENT})

    def test_heartbeat_must_only_exist(self) -> None:
        """With heartbeat_seconds 0 a heartbeat of any age will do."""
        of = running(limits=evolve(BEATING, heartbeat_seconds=0))
        self.assertIsNone(self.doom(of, seen(of, traces=Traces(heartbeat_at=NOW)), 80000))
        self.assertIsNotNone(self.doom(of, seen(of), 80000))

    def test_no_heartbeat_rule(self) -> None:
        """Without a heartbeat file, or without fizzle_seconds, silence is no reason."""
        for limits in (
            evolve(BEATING, heartbeat_file=None),
            evolve(BEATING, fizzle_seconds=0),
        ):
            of = running(limits=limits)
            self.assertIsNone(self.doom(of, seen(of), 80000))

    def test_silence_that_is_ours(self) -> None:
        """Machines get fizzle_seconds to be heard again after the web server was away."""
        of = running(limits=BEATING)
        self.assertIsNone(self.doom(of, seen(of, served_since=NOW + 10000), 10600))
        self.assertIsNotNone(self.doom(of, seen(of, served_since=NOW + 10000), 10601))

    def test_last_word(self) -> None:
        """Who has sent its last message need not beat any more."""
        of = running(limits=BEATING)
        traces = Traces(heartbeat_at=NOW, message="200 Done", message_at=NOW + 900)
        self.assertIsNone(self.doom(of, seen(of, traces=traces), 1000))
