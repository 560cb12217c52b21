"""Tests for vcycle.core.drains."""

from __future__ import annotations

import json

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW
from vcycle.core.drains import MAX_DRAINS, Drain, decode, drained, encode, in_force

DRAIN = Drain(reason="repairs", by="ann", since=NOW)
texts = st.text("abc -", max_size=9)
drains = st.builds(
    Drain,
    space=st.none() | texts,
    machinetype=st.none() | texts,
    reason=texts,
    by=texts,
    since=st.floats(0, 1e10),
    until=st.none() | st.floats(0, 1e10),
)
trash = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["drains", "since"]), inner),
    max_leaves=8,
)


class KeptTests(SynchronousTestCase):
    @given(st.lists(drains))
    @settings(max_examples=50)
    def test_round_trip(self, some: list[Drain]) -> None:
        """What is kept is what comes back."""
        self.assertEqual(tuple(some), decode(json.loads(json.dumps(encode(some)))))

    @given(trash)
    @settings(max_examples=100)
    def test_trash(self, value: object) -> None:
        """What is no list of drains is an error that can be told, never another."""
        try:
            decode({"drains": [value]})
            decode({"drains": value})
        except ValueError as error:
            self.assertTrue(str(error))

    def test_nothing(self) -> None:
        """Nothing kept is nothing drained."""
        self.assertEqual((), decode({}))

    def test_steering(self) -> None:
        """A text that steers a terminal was not written by us."""
        kept = encode([evolve(DRAIN, reason="\x1b[2J")])
        self.assertRaises(ValueError, decode, kept)


class ForceTests(SynchronousTestCase):
    def test_replaced(self) -> None:
        """A second drain of the same target takes the place of the first."""
        again = evolve(DRAIN, until=NOW + 60)
        other = evolve(DRAIN, machinetype="a")
        self.assertEqual((other, again), drained((DRAIN, other), again))

    def test_many(self) -> None:
        """The list has a bound."""
        some: tuple[Drain, ...] = ()
        for number in range(MAX_DRAINS + 5):
            some = drained(some, evolve(DRAIN, machinetype=str(number)))
        self.assertEqual(MAX_DRAINS, len(some))

    def test_last(self) -> None:
        """Of the drains of one space and of all spaces that counts which ends last."""
        short, long = evolve(DRAIN, until=NOW + 60), evolve(DRAIN, space="s", until=NOW + 600)
        self.assertEqual(long, in_force((short, long), "s", None, NOW))
        self.assertEqual(short, in_force((short, long), "t", None, NOW))
        self.assertIsNone(in_force((short, long), "s", None, NOW + 600))
        self.assertEqual(DRAIN, in_force((DRAIN, long), "s", None, NOW))
