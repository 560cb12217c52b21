"""Tests for vcycle.core.plan: what holds for any observation."""

from __future__ import annotations

import math

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.strategies import hostile, observations, spans
from tests.core.values import (
    CLOUD,
    NOW,
    ended,
    machinetype,
    observation,
    record,
    running,
    sighting,
    space,
    survey,
    uuid,
    words,
)
from vcycle.core.backoff import History
from vcycle.core.looks import HELD
from vcycle.core.machine import Condition, Doom, Ending, Outcome, State, Traces
from vcycle.core.observation import Budget, Host, Observation, Plan, Use, use_of
from vcycle.core.peers import heard
from vcycle.core.plan import plan_cycle
from vcycle.core.scouting import probation

WORDS = {
    "started",
    "no-share",
    "not-ready",
    "shutdown",
    "backing-off",
    "proving",
    "waiting",
    "vetoed",
    "full",
    "later",
    "no-room",
}


IDLE = Host(processors=64, load=0.0, disk_free=None)
PATIENT = space(machinetype(backoff_seconds=3600))


def slots(made: Plan) -> dict[str, list[int]]:
    """Who is saved, adopted, ended and destroyed, by slot."""
    lists = {"save": made.save, "adopt": made.adopt, "end": made.end, "destroy": made.destroy}
    return {word: [record.slot for record in records] for word, records in lists.items() if records}


class PlanTests(SynchronousTestCase):
    def test_life(self) -> None:
        """Each row: a record, its sighting, and what is done; seen from an hour later."""
        doom = Doom(outcome=Outcome.SILENT, text="silent", since=NOW)
        of, late = running(), NOW + 3600
        doomed = running(doom=doom)
        rows = [
            (of, survey([sighting(of)]), {}),
            (record(), survey([sighting(record())]), {"save": [0]}),
            (of, survey([sighting(of, Condition.PAUSED)]), {"save": [0], "destroy": [0]}),
            (doomed, survey([sighting(doomed)]), {"destroy": [0]}),
            (doomed, survey(absent=[doomed]), {"end": [0]}),
            (of, survey(absent=[of]), {"end": [0]}),
            (of, survey([sighting(of, Condition.STOPPED)]), {"end": [0], "destroy": [0]}),
            (of, survey(), {}),
        ]
        for number, (had, seen, expected) in enumerate(rows):
            at = evolve(seen, taken_at=late)
            made = plan_cycle(observation([had], now=late, survey=at))
            self.assertEqual(expected, slots(made), f"row {number}")

    def test_successor(self) -> None:
        """The end of a machine and the start of the next are one plan."""
        old = running()
        ending = {old.uuid: Ending(at=NOW + 900, how="shutdown")}
        made = plan_cycle(
            observation(
                [old],
                now=NOW + 901,
                space=space(total_processors=1),
                survey=survey(absent=[old], endings=ending, taken_at=NOW + 901),
                traces={old.uuid: Traces(message="200 Done", message_at=NOW + 899)},
            )
        )
        self.assertEqual({"end": [0]}, slots(made))
        self.assertEqual(
            (NOW + 900, Outcome.COMPLETED), (made.end[0].ended_at, made.end[0].outcome)
        )
        self.assertEqual([0], [creation.slot for creation in made.create])

    def test_abort(self) -> None:
        """An end that is an abort begins the back-off in the same plan."""
        old = running()
        seen = survey(absent=[old], taken_at=NOW + 60)
        made = plan_cycle(observation([old], now=NOW + 60, survey=seen, space=PATIENT))
        self.assertEqual({"pilot": "backing-off"}, words(made))
        self.assertEqual(NOW, made.histories["pilot"].last_abort)

    def test_promise_15_never_started(self) -> None:
        """A machine that never came begins the back-off, too."""
        seen = survey(absent=[record()])
        made = plan_cycle(observation([record()], now=NOW + 30, survey=seen, space=PATIENT))
        self.assertEqual(Outcome.NEVER_STARTED, made.end[0].outcome)
        self.assertEqual({"pilot": "backing-off"}, words(made))

    def test_promise_9(self) -> None:
        """Machines of every state count against every limit, until they are over."""
        doom = Doom(outcome=Outcome.SILENT, text="silent", since=NOW)
        draining = running(3)
        rows = [
            (record(0), None),
            (record(1, seen_at=NOW), Condition.PENDING),
            (running(2), Condition.RUNNING),
            (draining, Condition.RUNNING),
            (running(4, missing_since=NOW), None),
            (running(5, doom=doom), Condition.RUNNING),
        ]
        listed = [sighting(of, condition) for of, condition in rows if condition is not None]
        records = [of for of, _ in rows]
        gone = [of for of, condition in rows if condition is None]
        seen = observation(
            records,
            traits=CLOUD,
            survey=survey(listed, absent=gone),
            traces={draining.uuid: Traces(message="200 Done", message_at=NOW)},
        )
        made = plan_cycle(seen)
        self.assertEqual(
            [
                State.REQUESTED,
                State.STARTING,
                State.RUNNING,
                State.DRAINING,
                State.MISSING,
                State.DOOMED,
            ],
            [reviewed.state for reviewed in made.machines],
        )
        for limits in (
            {"total_processors": 7},
            {"total_machines": 7},
            {"total_mb": 7 * 2048},
        ):
            self.assertEqual(1, len(plan_cycle(evolve(seen, space=space(**limits))).create))
        for budget in (Budget(processors=7), Budget(memory_mb=7 * 2048)):
            self.assertEqual(1, len(plan_cycle(evolve(seen, budget=budget)).create))

    def test_held(self) -> None:
        """While mass absence is doubted nothing starts, and the veto says why."""
        gone = [running(number) for number in range(6)]
        made = plan_cycle(observation(gone, survey=survey(absent=gone)))
        self.assertEqual((True, HELD, ()), (made.held, made.veto, made.create))
        self.assertEqual({"pilot": "vetoed"}, words(made))

    def test_ended_but_not_written(self) -> None:
        """An end that could not be written is ended again, just so, and counts no more."""
        over = ended()
        made = plan_cycle(observation([over], survey=survey(absent=[over])))
        self.assertEqual(((over,), ()), (made.end, made.machines))
        self.assertEqual(8, len(made.create))


class AnyObservationTests(SynchronousTestCase):
    @given(observations() | hostile())
    def test_total(self, seen: Observation) -> None:
        """Any observation has a plan, always the same, with one verdict for each machinetype."""
        made = plan_cycle(seen)
        self.assertEqual(made, plan_cycle(seen))
        self.assertEqual(list(seen.space.machinetypes), [v.machinetype for v in made.verdicts])
        for verdict in made.verdicts:
            self.assertIn(verdict.word, WORDS)
            self.assertTrue(verdict.text)
            self.assertEqual(verdict.word == "started", verdict.started > 0)

    @given(observations(), st.integers(0, 9), st.integers(0, 20000))
    @settings(max_examples=200)
    def test_limits(self, seen: Observation, processors: int, memory_mb: int) -> None:
        """Promise 9: creations never lead over a limit, all living machines counted."""
        others = Use(machines=1, processors=processors, memory_mb=memory_mb)
        seen = evolve(seen, others=others, problems=(), host=IDLE)
        made = plan_cycle(seen)
        wanted, used = seen.space, made.use
        self.assertLessEqual(len(made.create), wanted.creations_per_cycle)
        if not made.create:
            return
        self.assertIsNone(made.veto)
        assert seen.survey is not None
        self.assertTrue(seen.survey.complete)
        before = use_of(tuple(reviewed.record for reviewed in made.machines))
        self.assertEqual(len(made.create), used.machines - before.machines)
        shared = used + seen.others
        limits = (
            (used.machines, wanted.total_machines),
            (used.processors, wanted.total_processors),
            (used.memory_mb, wanted.total_mb),
            (shared.processors, seen.budget.processors),
            (shared.memory_mb, seen.budget.memory_mb),
        )
        for taken, limit in limits:
            self.assertLessEqual(taken, math.inf if limit is None else limit)

    @given(observations())
    def test_creations(self, seen: Observation) -> None:
        """Each creation is within its machinetype, its superslot and the space's end."""
        made = plan_cycle(seen)
        wanted = seen.space
        for creation in made.create:
            kind = creation.machinetype
            self.assertTrue(kind.target_share > 0 and seen.ready.get(kind.name) is None)
            self.assertLessEqual(kind.min_processors, creation.processors)
            most = min(kind.max_processors, wanted.processors_per_superslot)
            self.assertLessEqual(creation.processors, most)
            self.assertEqual(creation.processors * wanted.mb_per_processor, creation.memory_mb)
            seconds = creation.shutdown_time - seen.now
            self.assertLessEqual(seconds, kind.max_wallclock_seconds + 1e-3)
            if wanted.shutdown_time is not None:
                self.assertLessEqual(creation.shutdown_time, wanted.shutdown_time)

    @given(observations())
    def test_names(self, seen: Observation) -> None:
        """No creation has the name or the slot of another machine, ours or not."""
        made = plan_cycle(seen)
        names = {creation.name for creation in made.create}
        taken = {reviewed.record.name for reviewed in made.machines}
        listed = () if seen.survey is None else seen.survey.sightings
        self.assertEqual(len(made.create), len(names))
        self.assertEqual(set(), names & (taken | {sighting.name for sighting in listed}))
        slots_taken = {reviewed.record.slot for reviewed in made.machines}
        self.assertEqual(set(), slots_taken & {creation.slot for creation in made.create})

    @given(observations(), spans)
    def test_backoff(self, seen: Observation, seconds: float) -> None:
        """Back-off is kept to the second; in probation one machine in the space is young."""
        aborted = {name: History(last_abort=NOW - seconds) for name in seen.space.machinetypes}
        made = plan_cycle(evolve(seen, histories=aborted))
        for name, kind in seen.space.machinetypes.items():
            history = made.histories.get(name, History())
            started = [c for c in made.create if c.machinetype.name == name]
            abort = history.outlook.abort
            assert abort is not None
            assert history.last_abort is not None
            self.assertGreaterEqual(abort.at, min(seen.now, history.last_abort))
            if not probation(history.outlook) or not started:
                continue
            self.assertGreaterEqual(seen.now, abort.at + kind.backoff_seconds)
            self.assertEqual(1, len(started))
            for reviewed in made.machines:
                record = reviewed.record
                if record.machinetype == name:
                    assert record.started_at is not None
                    age = seen.now - record.started_at
                    self.assertGreaterEqual(age, record.limits.fizzle_seconds)
            reports = heard(seen.peers, seen.space, seen.now)[name]
            self.assertEqual([], [report for report in reports if report.young])

    @given(observations() | hostile())
    def test_promise_3(self, seen: Observation) -> None:
        """No machine is destroyed that is not doomed, or over, and is known to be ours."""
        made = plan_cycle(seen)
        doomed = {r.record.uuid for r in made.machines if r.state is State.DOOMED}
        over = {record.uuid for record in made.end}
        listed = () if seen.survey is None else seen.survey.sightings
        stopped = {s.uuid for s in listed if s.condition is Condition.STOPPED}
        for gone in made.destroy:
            self.assertIn(gone.uuid, doomed | over | stopped)
            ours = {s.name for s in listed if s.uuid == gone.uuid and s.mark is not None}
            self.assertIn(gone.name, ours)

    @given(observations() | hostile())
    def test_promise_4(self, seen: Observation) -> None:
        """Without an answer nothing ends, is destroyed or made, and nothing is forgotten."""
        made = plan_cycle(evolve(seen, survey=None))
        self.assertEqual(((), (), (), ()), (made.end, made.destroy, made.create, made.adopt))
        self.assertEqual(seen.records, tuple(reviewed.record for reviewed in made.machines))
        self.assertEqual((), made.save)
        self.assertEqual(seen.held, made.held)

    @given(observations())
    def test_problems(self, seen: Observation) -> None:
        """Promise 11: with a wrong configuration all is supervised as ever, nothing created."""
        wrong = plan_cycle(evolve(seen, problems=("vcycle.conf:3: no such option",)))
        right = plan_cycle(evolve(seen, problems=()))
        self.assertEqual((), wrong.create)
        self.assertEqual("vcycle.conf:3: no such option", wrong.veto)
        for word in ("machines", "save", "adopt", "end", "destroy", "histories", "alarms"):
            self.assertEqual(getattr(right, word), getattr(wrong, word))

    @given(observations())
    def test_twice(self, seen: Observation) -> None:
        """Planning again from what a plan knows gives no new doom, end or fact to save."""
        first = plan_cycle(seen)
        if first.end or first.adopt:
            return
        known = tuple(reviewed.record for reviewed in first.machines)
        again = plan_cycle(evolve(seen, records=known, histories=first.histories, held=first.held))
        if first.held == seen.held:
            self.assertEqual((), again.save)
            self.assertEqual(first.machines, again.machines)

    def test_foreign_twin(self) -> None:
        """Another's machine of the same name keeps its name, and ours is not harmed."""
        of = running(0)
        twin = sighting(of, uuid=uuid(50), mark=None)
        made = plan_cycle(observation([of], survey=survey([twin, sighting(of)])))
        self.assertEqual({}, slots(made))
        self.assertEqual([State.RUNNING], [reviewed.state for reviewed in made.machines])
