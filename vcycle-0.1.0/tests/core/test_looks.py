"""Tests for vcycle.core.looks."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from hypothesis import given
from twisted.trial.unittest import SynchronousTestCase

from tests.core.strategies import hostile
from tests.core.values import (
    CLOUD,
    NOW,
    OWNER,
    ended,
    foreign,
    mark,
    observation,
    record,
    running,
    sighting,
    survey,
    uuid,
)
from vcycle.core.looks import FRESH_SECONDS, HELD, Looked, look
from vcycle.core.machine import Condition, Doom, Ending, Outcome, Record, Sighting, State, Traces
from vcycle.core.observation import Observation, Use

DOOM = Doom(outcome=Outcome.SILENT, text="too late", since=NOW)
LATE = NOW + 3600


def states(looked: Looked) -> dict[int, State]:
    """The state of each living machine, by its slot."""
    return {reviewed.record.slot: reviewed.state for reviewed in looked.living}


class StrangerTests(SynchronousTestCase):
    def test_promise_3(self) -> None:
        """Only the machine whose uuid, name and mark all agree is ever destroyed."""
        of = running(doom=DOOM)
        true = sighting(of)
        strangers: list[Sighting] = [
            evolve(true, mark=None),
            evolve(true, name="another.example.com"),
            evolve(true, mark=mark(of, owner="host2.example.com:/var/lib/vcycle")),
            evolve(true, mark=mark(of, uuid=uuid(5))),
            evolve(true, mark=mark(of, name="another.example.com")),
            evolve(true, uuid=uuid(5)),
            foreign(1, name=of.name),
        ]
        self.assertEqual((of.uuid,), tuple(r.uuid for r in self.destroyed(of, true)))
        for stranger in strangers:
            self.assertEqual((), self.destroyed(of, stranger), stranger)

    def destroyed(self, of: Record, seen: Sighting) -> tuple[Record, ...]:
        return look(observation([of], survey=survey([seen]))).destroy

    def test_uuid_taken(self) -> None:
        """A machine that only has our uuid tells nothing of ours, but is worth an alarm."""
        of = running()
        looked = look(observation([of], survey=survey([sighting(of, mark=None)])))
        self.assertEqual(of, looked.living[0].record)
        (alarm,) = looked.alarms
        self.assertIn("has the uuid of factory1-00.example.com; it is not touched", alarm)

    def test_foreign_use(self) -> None:
        """What is not this daemon's is counted; what other spaces of it count for is not."""
        ours, theirs = running(0, processors=2), record(1, space="vac02.example.com", processors=4)
        seen = survey([sighting(ours), sighting(theirs), foreign(1), foreign(2, processors=3)])
        looked = look(observation([ours], survey=seen))
        self.assertEqual(Use(machines=2, processors=4, memory_mb=2048), looked.foreign)

    def test_names(self) -> None:
        """Every name that is taken is known, whoever has it."""
        looked = look(observation([running(0), running(1)], survey=survey([foreign(1)])))
        names = {"factory1-00.example.com", "factory1-01.example.com", "web1"}
        self.assertEqual(names, looked.names)


class StrayTests(SynchronousTestCase):
    def adopt(self, seen: Sighting, **changes: Any) -> Looked:
        return look(evolve(observation(survey=survey([seen])), **changes))

    def test_adopted(self) -> None:
        """A machine with our mark, and no record, is taken back and supervised at once."""
        of = record(3)
        looked = self.adopt(sighting(of, Condition.RUNNING))
        self.assertEqual((of,), looked.adopted)
        self.assertEqual({3: State.RUNNING}, states(looked))
        self.assertEqual(Use(), looked.foreign)

    def test_clock_steps(self) -> None:
        """Promise 13: the clock was set since the mark was written, and its times follow."""
        of = record(3, clock=1)
        looked = self.adopt(sighting(of), now=NOW + 1e6 + 10, steps=(99.0, 1e6))
        (adopted,) = looked.adopted
        self.assertEqual((NOW + 1e6, 2), (adopted.requested_at, adopted.clock))
        self.assertEqual({3: State.RUNNING}, states(looked))

    def test_refused(self) -> None:
        """Each row: a stray that cannot be adopted, what is said, and whether it is ours."""
        of = record(3)
        true = sighting(of)
        rows = [
            (evolve(true, mark=mark(of, owner="host2:/x")), "by another Vcycle (owner host2:/x)"),
            (evolve(true, mark=mark(of, facts="{}")), "cannot be adopted: record has version"),
            (evolve(true, mark=mark(of, facts="[" * 9999)), "cannot be adopted"),
            (evolve(true, name="twin.example.com"), "it is not touched"),
            (evolve(true, uuid=uuid(5)), "it is not touched"),
            (evolve(true, mark=mark(of, uuid=uuid(5))), "it is not touched"),
            (sighting(of, mark=mark(ended(3))), "it is not touched"),
            (sighting(of, mark=mark(record(4))), "it is not touched"),
        ]
        for seen, words in rows:
            looked = self.adopt(seen)
            self.assertEqual(((), (), ()), (looked.adopted, looked.living, looked.destroy))
            (alarm,) = looked.alarms
            self.assertIn(words, alarm)
            self.assertEqual(1, looked.foreign.machines)

    def test_stopped(self) -> None:
        """A stray that has stopped is cleared away; its end is not told, or not again."""
        looked = self.adopt(sighting(record(3), Condition.STOPPED))
        self.assertEqual(((), (), ()), (looked.adopted, looked.living, looked.ended))
        self.assertEqual((record(3),), looked.destroy)

    def test_of_another_space(self) -> None:
        """Other spaces of this daemon look after their own."""
        looked = self.adopt(sighting(record(3, space="vac02.example.com")))
        self.assertEqual(((), ()), (looked.adopted, looked.alarms))


class DoubtTests(SynchronousTestCase):
    def test_promise_4(self) -> None:
        """A partial, a stale or no list ends nothing, destroys nothing, and is told."""
        of, other = running(0, doom=DOOM), running(1)
        whole = survey([sighting(of)], absent=[other])
        self.assertIsNone(look(observation([of, other], survey=whole)).doubt)
        rows = [
            (None, "not complete: no answer"),
            (evolve(whole, complete=False), "not complete: no answer"),
            (evolve(whole, complete=False, problem="web1: timed out"), "web1: timed out"),
            (evolve(whole, taken_at=NOW - FRESH_SECONDS - 1), "121 s old"),
        ]
        for seen, words in rows:
            looked = look(observation([of, other], survey=seen))
            self.assertEqual({0: State.DOOMED, 1: State.RUNNING}, states(looked))
            self.assertEqual(((), ()), (looked.ended, looked.destroy))
            self.assertIn(words, looked.doubt or "")

    def test_partial_list_tells_of_the_listed(self) -> None:
        """What a partial list does show is true."""
        of = record()
        looked = look(observation([of], survey=survey([sighting(of)], complete=False)))
        self.assertEqual({0: State.RUNNING}, states(looked))

    def test_ended_but_there(self) -> None:
        """A machine that has stopped is over, and what is left of it is destroyed."""
        of = running()
        looked = look(observation([of], survey=survey([sighting(of, Condition.STOPPED)])))
        self.assertEqual([of.uuid], [over.uuid for over in looked.ended])
        self.assertEqual(looked.ended, looked.destroy)


class HeldTests(SynchronousTestCase):
    """When at least five and more than half of ours vanish unexplained, a look is held back."""

    def vanish(self, gone: list[Record], stay: list[Record], **changes: Any) -> Looked:
        seen = survey([sighting(record) for record in stay], absent=gone)
        return look(evolve(observation([*gone, *stay], now=NOW + 60, survey=seen), **changes))

    def test_held_once(self) -> None:
        """Mass absence is doubted once, told, and believed when it is seen again."""
        gone, stay = [running(n) for n in range(5)], [running(n) for n in range(5, 9)]
        first = self.vanish(gone, stay)
        self.assertTrue(first.held)
        self.assertEqual(((), (HELD,), HELD), (first.ended, first.alarms, first.doubt))
        self.assertEqual(9, len(first.living))
        second = self.vanish(gone, stay, held=True)
        self.assertFalse(second.held)
        self.assertEqual(5, len(second.ended))

    def test_held_over_an_outage(self) -> None:
        """No answer in between neither believes nor forgets."""
        gone = [running(n) for n in range(9)]
        between = look(observation(gone, survey=None, held=True))
        self.assertTrue(between.held)
        self.assertEqual((), between.alarms)

    def test_destroys_go_on(self) -> None:
        """What is doomed and listed is destroyed meanwhile."""
        doomed = running(20, doom=DOOM)
        looked = self.vanish([running(n) for n in range(9)], [doomed])
        self.assertTrue(looked.held)
        self.assertEqual([20], [record.slot for record in looked.destroy])

    def test_not_held(self) -> None:
        """Few, a minority, the explained, the expected and the never started are believed."""
        five, four = [running(n) for n in range(5)], [running(n) for n in range(4)]
        others = [running(n) for n in range(10, 15)]
        self.assertFalse(self.vanish(four, []).held)
        self.assertFalse(self.vanish(five, others).held)
        self.assertFalse(self.vanish([evolve(r, doom=DOOM) for r in five], []).held)
        self.assertFalse(self.vanish([evolve(r, shutdown_time=NOW) for r in five], []).held)
        fresh = [record(n, requested_at=NOW - 600) for n in range(5)]
        self.assertFalse(self.vanish(fresh, []).held)
        said = {r.uuid: Traces(message="200 Done", message_at=NOW) for r in five}
        self.assertFalse(self.vanish(five, [], traces=said).held)
        ending = {r.uuid: Ending(at=NOW + 9, how="shutdown") for r in five}
        told = survey(absent=five, endings=ending)
        self.assertFalse(self.vanish(five, [], survey=told).held)


class AnyTests(SynchronousTestCase):
    @given(hostile())
    def test_each_once(self, seen: Observation) -> None:
        """Each machine is living or over, once; who is adopted was unknown; who is saved lives."""
        looked = look(seen)
        living = [reviewed.record.uuid for reviewed in looked.living]
        over = [record.uuid for record in looked.ended]
        ours = [record.uuid for record in (*seen.records, *looked.adopted)]
        self.assertEqual(sorted(ours), sorted(living + over))
        self.assertEqual(len(ours), len(set(ours)))
        self.assertLessEqual({record.uuid for record in looked.changed}, set(living))

    @given(hostile())
    def test_promise_3_any(self, seen: Observation) -> None:
        """Whatever is listed, what is destroyed is in a whole list with our uuid, name and mark."""
        looked = look(seen)
        for over in looked.destroy:
            assert seen.survey is not None
            self.assertTrue(seen.survey.complete)
            listed = [s for s in seen.survey.sightings if s.uuid == over.uuid]
            named = [(s.name, s.mark.owner, s.mark.uuid, s.mark.name) for s in listed if s.mark]
            self.assertIn((over.name, OWNER, over.uuid, over.name), named)

    @given(hostile())
    def test_promise_4_any(self, seen: Observation) -> None:
        """Whatever else is told, no machine ends on a list that is doubted, unless seen stopped."""
        looked = look(seen)
        if looked.doubt is None:
            return
        listed = seen.survey.sightings if seen.survey else ()
        stopped = {s.uuid for s in listed if s.condition is Condition.STOPPED}
        self.assertLessEqual({record.uuid for record in looked.ended}, stopped)

    @given(hostile())
    def test_clouds_wait(self, seen: Observation) -> None:
        """Where a list is not authoritative, no one absence ends a machine."""
        records = tuple(evolve(record, missing_since=None) for record in seen.records)
        looked = look(evolve(seen, records=records, traits=CLOUD))
        listed = {s.uuid for s in seen.survey.sightings} if seen.survey else set()
        for over in looked.ended:
            self.assertIn(over.uuid, listed)
