"""Tests for vcycle.core.shares."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import machinetype
from vcycle.core.shares import by_need, pipe_shares

SHARES = st.dictionaries(
    st.sampled_from("abcdef"),
    st.tuples(st.sampled_from([0.0, 0.5, 1.0, 3.0]), st.sampled_from("gh")),
)


def order(shares: dict[str, tuple[float, str]], hs06: dict[str, float], seed: int = 0) -> list[str]:
    """The names of machinetypes by need, given (target_share, machinegroup) by name."""
    types = [
        machinetype(name, target_share=share, machinegroup=group)
        for name, (share, group) in shares.items()
    ]
    return [m.name for m in by_need(types, hs06, seed)]


class ByNeedTests(SynchronousTestCase):
    def test_table(self) -> None:
        """Each row: shares and groups, HS06 in use, and the order of need."""
        rows: list[tuple[dict[str, tuple[float, str]], dict[str, float], str]] = [
            ({"a": (1, "a"), "b": (1, "b")}, {"a": 1}, "ba"),
            ({"a": (1, "a"), "b": (3, "b")}, {"a": 10, "b": 29}, "ba"),
            ({"a": (1, "a"), "b": (3, "b")}, {"a": 10, "b": 31}, "ab"),
            ({"a": (1, "a"), "b": (0, "b")}, {"a": 10}, "a"),
            ({"a": (1, "a")}, {"stranger": 5}, "a"),
            # A group's score is the sum of its members' scores, not of their use.
            ({"a": (1, "g"), "b": (1, "g"), "c": (1, "c")}, {"a": 6, "b": 7, "c": 10}, "cab"),
            ({"a": (10, "g"), "b": (1, "g"), "c": (5, "c")}, {"a": 50, "b": 1, "c": 35}, "bac"),
        ]
        for shares, hs06, expected in rows:
            self.assertEqual(list(expected), order(shares, hs06))

    def test_no_share(self) -> None:
        """A machinetype without a share adds nothing to its group, even if it runs."""
        shares = {"a": (1.0, "g"), "b": (0.0, "g"), "c": (1.0, "c")}
        self.assertEqual(["a", "c"], order(shares, {"a": 1, "b": 1000, "c": 2}))

    def test_ties(self) -> None:
        """A tie is decided by chance, and each comes first often enough."""
        shares = {"a": (1.0, "a"), "b": (1.0, "b")}
        first = [order(shares, {}, seed)[0] for seed in range(1000)]
        self.assertTrue(400 < first.count("a") < 600)

    @given(SHARES, st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1e9)), st.integers())
    def test_any(
        self, shares: dict[str, tuple[float, str]], hs06: dict[str, float], seed: int
    ) -> None:
        """All with a share are there once, a seed gives one order, and none is below a hungrier."""
        got = order(shares, hs06, seed)
        self.assertEqual(sorted(n for n, (share, _) in shares.items() if share > 0), sorted(got))
        self.assertEqual(got, order(shares, hs06, seed))
        for above, below in zip(got, got[1:]):
            if shares[above][1] == shares[below][1]:
                self.assertLessEqual(
                    hs06.get(above, 0) / shares[above][0], hs06.get(below, 0) / shares[below][0]
                )


class PipeSharesTests(SynchronousTestCase):
    def test_table(self) -> None:
        """Each row: the pipe's total, what is asked for, local shares, and what comes of it."""
        rows: list[tuple[float, dict[str, object], dict[str, float], dict[str, float]]] = [
            (8, {"prod": 3.0, "mcore": 1.0}, {}, {"prod": 6.0, "mcore": 2.0}),
            (8, {"prod": "3", "mcore": 1}, {"mcore": 5.0}, {"prod": 6.0, "mcore": 5.0}),
            (8, {"x": -1.0}, {}, {"x": 0.0}),
            (8, {"x": -1.0, "y": 2}, {}, {"x": 0.0, "y": 8.0}),
            (
                8,
                {"x": float("nan"), "y": "many", "z": None, "t": True},
                {},
                dict.fromkeys("xyzt", 0),
            ),
            (8, {"x": 10**400, "y": float("inf"), "z": 1}, {}, {"x": 0.0, "y": 0.0, "z": 8.0}),
            (8, {"x": 1e308, "y": 1e308}, {}, {"x": 0.0, "y": 0.0}),
            (0, {"x": 1}, {}, {"x": 0.0}),
            (8, {}, {"other": 1.0}, {}),
        ]
        for total, asked, local, expected in rows:
            self.assertEqual(expected, pipe_shares(total, asked, local), asked)

    @given(
        st.floats(0, 1e6),
        st.dictionaries(
            st.text(max_size=3),
            st.one_of(st.floats(), st.integers(), st.text(max_size=4)),
            max_size=6,
        ),
    )
    def test_total(self, total: float, asked: dict[str, object]) -> None:
        """Whatever is asked for, the parts are shares, and together at most the pipe's total."""
        parts = pipe_shares(total, asked, {})
        self.assertEqual(set(asked), set(parts))
        self.assertTrue(all(part >= 0 for part in parts.values()))
        self.assertLessEqual(sum(parts.values()), total * (1 + 1e-9))
