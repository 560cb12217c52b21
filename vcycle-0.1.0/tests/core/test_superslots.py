"""Tests for vcycle.core.superslots."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.strategies import machinetypes
from tests.core.values import NOW, machinetype
from vcycle.core.config.model import Machinetype
from vcycle.core.superslots import Fit, first_fit

HOUR = 3600.0
SHORT = machinetype("short", min_wallclock_seconds=600, max_wallclock_seconds=7200)
LONG = machinetype("long", max_processors=8)
PAIR = machinetype("pair", min_processors=2, max_processors=2, min_wallclock_seconds=600)


def fit(
    *candidates: Machinetype,
    free: int = 8,
    size: int = 8,
    ending: dict[float, int] | None = None,
    end_before: float | None = None,
) -> tuple[str, int, float, bool] | None:
    """Name, processors, seconds from NOW to the shutdown time, and whether it joins."""
    found = first_fit(
        candidates,
        ending={NOW + at: processors for at, processors in (ending or {}).items()},
        free=free,
        size=size,
        end_before=None if end_before is None else NOW + end_before,
        now=NOW,
    )
    if found is None:
        return None
    return found.machinetype.name, found.processors, found.shutdown_time - NOW, found.joins


class FirstFitTests(SynchronousTestCase):
    def test_new(self) -> None:
        """Without superslots to fill, the neediest starts, as large as there is room for."""
        self.assertEqual(("short", 1, 7200, False), fit(SHORT, LONG))
        self.assertEqual(("long", 8, 86400, False), fit(LONG, SHORT))
        self.assertEqual(("long", 3, 86400, False), fit(LONG, SHORT, free=3))
        self.assertEqual(("long", 4, 86400, False), fit(LONG, size=4))
        self.assertIsNone(fit(LONG, free=0))
        self.assertIsNone(fit())

    def test_too_large(self) -> None:
        """Who does not fit is passed over; superslots of one processor admit no larger ones."""
        self.assertEqual(("short", 1, 7200, False), fit(PAIR, SHORT, free=1))
        self.assertIsNone(fit(PAIR, size=1))

    def test_joins(self) -> None:
        """A superslot that is not full is filled first, by the neediest that lasts as long."""
        self.assertEqual(("short", 1, HOUR, True), fit(LONG, SHORT, ending={HOUR: 7}))
        self.assertEqual(("pair", 2, HOUR, True), fit(PAIR, SHORT, ending={HOUR: 6}))
        self.assertEqual(("long", 3, 86400, True), fit(LONG, ending={86400: 13}, free=9))

    def test_exact_wallclock(self) -> None:
        """Only who lives at least min_wallclock_seconds, at most max_wallclock_seconds joins."""
        for seconds, joins in ((599, False), (600, True), (7200, True), (7201, False)):
            got = fit(SHORT, ending={seconds: 7}, free=2)
            assert got is not None
            self.assertEqual(joins, got[3], seconds)

    def test_full(self) -> None:
        """Full superslots are complete, however many times over."""
        self.assertEqual(("short", 1, 7200, False), fit(SHORT, ending={HOUR: 8, 2 * HOUR: 16}))

    def test_earliest_first(self) -> None:
        """Of several superslots the one that ends first is filled first."""
        self.assertEqual(("short", 1, HOUR, True), fit(SHORT, ending={2 * HOUR: 7, HOUR: 7}))

    def test_kept(self) -> None:
        """What a superslot lacks is kept for it, even if nothing fits it now."""
        self.assertIsNone(fit(LONG, ending={HOUR: 5}, free=3))
        self.assertEqual(("long", 2, 86400, False), fit(LONG, ending={HOUR: 5}, free=5))
        self.assertIsNone(fit(SHORT, ending={100000: 5}, free=3))

    def test_shutdown_time(self) -> None:
        """The space's shutdown_time caps a new machine's own."""
        self.assertEqual(("short", 1, 5000, False), fit(SHORT, end_before=5000))
        self.assertEqual(("short", 1, 7200, False), fit(SHORT, end_before=9000))

    @given(
        machinetypes,
        st.dictionaries(st.floats(-HOUR, 25 * HOUR).map(lambda s: NOW + s), st.integers(1, 20)),
        st.integers(0, 30),
        st.integers(1, 8),
    )
    def test_any(
        self, candidates: tuple[Machinetype, ...], ending: dict[float, int], free: int, size: int
    ) -> None:
        """What fits is within its own limits, the free processors, and one superslot."""
        found: Fit | None = first_fit(
            candidates, ending=ending, free=free, size=size, end_before=None, now=NOW
        )
        if found is None:
            return
        made = found.machinetype
        self.assertLessEqual(made.min_processors, found.processors)
        self.assertLessEqual(found.processors, min(made.max_processors, free, size))
        seconds = found.shutdown_time - NOW
        if found.joins:
            left = ending[found.shutdown_time] % size
            self.assertLessEqual(left + found.processors, size)
            self.assertLessEqual(made.min_wallclock_seconds, seconds)
            self.assertLessEqual(seconds, made.max_wallclock_seconds)
        else:
            self.assertEqual(NOW + made.max_wallclock_seconds, found.shutdown_time)
            lacks = sum(size - n % size for n in ending.values() if n % size)
            self.assertLessEqual(found.processors, free - min(free, lacks))
