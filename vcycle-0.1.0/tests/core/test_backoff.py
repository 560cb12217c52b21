"""Tests for vcycle.core.backoff."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.strategies import NAMES, histories, maybe, messages, wild_moments
from tests.core.values import NOW, ended, record, running
from vcycle.core.backoff import History, learn, moved_history, own_abort
from vcycle.core.machine import Limits, Outcome, Record
from vcycle.core.outlook import Abort, Outlook
from vcycle.core.scouting import probation

FIZZLE = 600
over = st.builds(
    ended,
    st.integers(0, 5),
    machinetype=st.sampled_from(NAMES),
    started_at=maybe(wild_moments),
    ended_at=wild_moments,
    message=maybe(messages),
    abort=st.booleans(),
)
alive = st.builds(
    record, st.integers(0, 5), machinetype=st.sampled_from(NAMES), started_at=maybe(wild_moments)
)
remembered = st.dictionaries(st.sampled_from(NAMES), histories)
ABORT = ended(
    7,
    started_at=NOW + 100,
    ended_at=NOW + 150,
    outcome=Outcome.ABORTED,
    message="300 No work",
    abort=True,
)


def on_probation(history: History) -> bool:
    """Is there an abort that no proof came after?"""
    outlook = Outlook(abort=own_abort(history, "factory1"), proof=history.proof)
    return probation(outlook)


class LearnTests(SynchronousTestCase):
    def test_abort(self) -> None:
        """An abort is remembered with its machine and its words."""
        self.assertEqual(
            History(
                last_abort=NOW + 150,
                abort_message="300 No work",
                abort_machine="factory1-07.example.com",
            ),
            learn({}, [ABORT], [], NOW + 200)["pilot"],
        )

    def test_scout(self) -> None:
        """A scout's abort begins the back-off anew; one that ends well opens the gate."""
        before = {"pilot": History(last_abort=NOW)}
        failed = learn(before, [ABORT], [], NOW + 200)["pilot"]
        self.assertEqual(NOW + 150, failed.last_abort)
        well = evolve(ABORT, abort=False, outcome=Outcome.COMPLETED)
        self.assertFalse(on_probation(learn(before, [well], [], NOW + 200)["pilot"]))

    def test_growing_up(self) -> None:
        """A living machine proves that there is work from fizzle_seconds on, and not before."""
        before = {"pilot": History(last_abort=NOW)}
        scout = running(started_at=NOW + 10)
        for age, doubted in ((FIZZLE - 1, True), (FIZZLE, False)):
            after = learn(before, [], [scout], NOW + 10 + age)
            self.assertEqual(doubted, on_probation(after["pilot"]))

    def test_who_started_before(self) -> None:
        """Machines that started before the abort prove nothing, however old they grow."""
        old = running(started_at=NOW - 1, limits=Limits(fizzle_seconds=0, max_wallclock_seconds=9))
        after = learn({"pilot": History(last_abort=NOW)}, [], [old], NOW + 1e6)
        self.assertTrue(on_probation(after["pilot"]))

    def test_never_started(self) -> None:
        """A machine that was never made, through no fault of its own, teaches nothing."""
        never = ended(started_at=None, outcome=Outcome.NEVER_STARTED, abort=False)
        self.assertEqual({}, learn({}, [never], [record()], NOW))

    @given(remembered, st.lists(over), st.lists(alive), wild_moments)
    def test_again(
        self, before: dict[str, History], ends: list[Record], lives: list[Record], now: float
    ) -> None:
        """Learning the same again changes nothing, and what was given is left as it was."""
        kept = dict(before)
        after = learn(before, ends, lives, now)
        self.assertEqual(after, learn(after, ends, lives, now))
        self.assertEqual(kept, before)

    @given(remembered, st.lists(over), st.lists(alive), wild_moments)
    def test_order(
        self,
        before: dict[str, History],
        ends: list[Record],
        lives: list[Record],
        now: float,
    ) -> None:
        """In whatever order, and in however many parts, the same is learnt."""
        at_once = learn(before, ends, lives, now)
        one_by_one = learn(before, reversed(ends), reversed(lives), now)
        self.assertEqual(at_once, one_by_one)
        parts = before
        for one in ends:
            parts = learn(parts, [one], (), now)
        self.assertEqual(at_once, learn(parts, (), lives, now))

    @given(remembered, st.lists(over), st.lists(alive), wild_moments)
    def test_never_backwards(
        self, before: dict[str, History], ends: list[Record], lives: list[Record], now: float
    ) -> None:
        """Neither the last abort nor the proof ever becomes an earlier one."""
        after = learn(before, ends, lives, now)
        for name, history in before.items():
            for old, new in (
                (history.last_abort, after[name].last_abort),
                (history.proof, after[name].proof),
            ):
                if old is not None:
                    assert new is not None
                    self.assertGreaterEqual(new, old)

    def test_moved(self) -> None:
        """A clock that is set moves all that is remembered, and nothing else."""
        own = History(last_abort=NOW, abort_machine="m", proof=None)
        seen = Outlook(abort=Abort(at=NOW, factory="f"), quiet_at=NOW + 1, proof=NOW - 1)
        history = evolve(own, outlook=seen)
        moved = moved_history(history, 100.0)
        self.assertEqual((NOW + 100, "m", None), (moved.last_abort, moved.abort_machine, None))
        told = Abort(at=NOW + 100, factory="f")
        self.assertEqual(Outlook(abort=told, quiet_at=NOW + 101, proof=NOW + 99), moved.outlook)
        self.assertEqual(history, moved_history(moved, -100.0))
