"""Tests for vcycle.core.trend: the last day in frames."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW
from vcycle.core.trend import (
    FRAMES,
    KINDS_SHOWN,
    MOST_KINDS,
    MOST_SPACES,
    OTHERS,
    STEP,
    Trend,
)

SPACE = "one.test"
AT = NOW - NOW % STEP


class TrendTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.trend = Trend()

    def shown(self, now: float = AT) -> Any:
        return self.trend.shown(SPACE, now)

    def spaces(self, trend: Trend | None = None) -> Any:
        return (trend or self.trend).kept()["spaces"]

    def test_frames(self) -> None:
        """A frame holds what there was last in it, and the sums of ends; a new one is told of."""
        self.assertTrue(self.trend.note(SPACE, AT, {"a": 1}))
        self.assertFalse(self.trend.note(SPACE, AT + 60, {"a": 3}))
        self.trend.ended(SPACE, AT + 61, abort=False)
        self.trend.ended(SPACE, AT + 62, abort=True)
        self.assertTrue(self.trend.note(SPACE, AT + STEP, {"a": 2, "b": 1}))
        shown = self.shown(AT + STEP)
        self.assertEqual([3, 2], shown["machines"]["a"][-2:])
        self.assertEqual([0, 1], shown["machines"]["b"][-2:])
        self.assertEqual([1, 0], shown["good"][-2:])
        self.assertEqual([1, 0], shown["aborts"][-2:])

    def test_hole(self) -> None:
        """Of a time in which nobody looked nothing is known; that is not nothing."""
        self.trend.note(SPACE, AT, {"a": 1})
        self.trend.note(SPACE, AT + 3 * STEP, {"a": 1})
        self.assertEqual([1, None, None, 1], self.shown(AT + 3 * STEP)["machines"]["a"][-4:])

    def test_day(self) -> None:
        """What is older than a day is not kept, and what is shown is a day long."""
        for number in range(FRAMES + 50):
            self.trend.note(SPACE, AT + number * STEP, {"a": number})
        shown = self.shown(AT + (FRAMES + 49) * STEP)
        self.assertEqual(list(range(50, FRAMES + 50)), shown["machines"]["a"])
        self.assertEqual(FRAMES, len(shown["good"]))
        self.assertEqual(FRAMES, len(self.spaces()[SPACE]))

    def test_others(self) -> None:
        """The smallest of many machinetypes are shown together; very many are not kept."""
        self.trend.note(SPACE, AT, {f"k{n}": n + 1 for n in range(2 * MOST_KINDS)})
        machines = self.shown()["machines"]
        self.assertEqual(KINDS_SHOWN + 1, len(machines))
        rest = range(MOST_KINDS + 1, 2 * MOST_KINDS - KINDS_SHOWN + 1)
        self.assertEqual(sum(rest), machines[OTHERS][-1])

    def test_clock_back(self) -> None:
        """A clock that was set back lives its minutes again."""
        self.trend.note(SPACE, AT + 10 * STEP, {"a": 9})
        self.trend.note(SPACE, AT, {"a": 1})
        self.assertEqual(1, self.shown()["machines"]["a"][-1])
        self.assertEqual(1, len(self.spaces()[SPACE]))

    def test_many_spaces(self) -> None:
        """However many spaces there were, few are kept; one that is no more makes place."""
        for number in range(MOST_SPACES + 5):
            self.trend.note(f"{number}.test", AT, {})
        self.assertEqual(MOST_SPACES, len(self.spaces()))
        self.trend.withdraw("0.test")
        self.trend.note(SPACE, AT, {"a": 1})
        self.assertEqual(1, self.shown()["machines"]["a"][-1])

    def test_kept(self) -> None:
        """What is kept as JSON is what is recalled, less what is older than a day by then."""
        for number in range(3):
            self.trend.note(SPACE, AT + number * STEP, {"a": number})
            self.trend.ended(SPACE, AT + number * STEP, abort=False)
        kept = json.loads(json.dumps(self.trend.kept()))
        again = Trend()
        again.recall(kept, AT + 2 * STEP)
        self.assertEqual(self.trend.kept(), again.kept())
        late = Trend()
        late.recall(kept, AT + (FRAMES + 1) * STEP + 1)
        self.assertEqual([2], [row[1]["a"] for row in self.spaces(late)[SPACE]])

    def test_copy(self) -> None:
        """A copy does not change with what it was made of."""
        self.trend.note(SPACE, AT, {"a": 1})
        copy = self.trend.copy()
        self.trend.note(SPACE, AT, {"a": 2})
        self.trend.ended(SPACE, AT, abort=True)
        shown: Any = copy.shown(SPACE, AT)
        self.assertEqual((1, 0), (shown["machines"]["a"][-1], shown["aborts"][-1]))

    @settings(max_examples=100, deadline=None)
    @given(
        st.recursive(
            st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=3), st.just(AT)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=3), inner, max_size=3)
            ),
            max_leaves=15,
        )
    )
    def test_nonsense(self, rows: object) -> None:
        """Whatever a file holds, what makes no sense is left out, and the rest can be shown."""
        trend = Trend()
        trend.recall({"version": 1, "spaces": {SPACE: rows}}, NOW)
        shown: Any = trend.shown(SPACE, NOW)
        self.assertEqual(FRAMES, len(shown["good"]))
        trend.note(SPACE, NOW, {"a": 1})
