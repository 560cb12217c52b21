"""Tests for vcycle.core.asking.window: how much may be under way."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.asking.target import Target
from vcycle.core.asking.window import PASSING_SECONDS, USUAL, Window, window_of
from vcycle.core.vacquery.messages import Kind


def target(number: int, **changes: Any) -> Target:
    wanted: dict[str, Any] = {
        "name": f"f{number}",
        "addresses": (("10.0.0.1", 995),),
        "cookie": "c",
        "kind": Kind.MACHINES,
        "quiet": False,
        "next_at": 0.0,
        "deadline": 10.0,
    }
    return Target(**{**wanted, **changes})


class WindowTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.window = Window(40, Kind.MACHINES)

    def fill(self, start: int = 0, now: float = 0.0) -> list[Target]:
        """Ask for as long as one may; who was asked."""
        asked: list[Target] = []
        while len(asked) < 1000 and self.window.admits(target(start + len(asked))):
            asked.append(target(start + len(asked)))
            self.window.left(asked[-1], 0, now)
        return asked

    def test_unknown(self) -> None:
        """Nothing is known: each factory counts as a usual one."""
        self.assertEqual(40 // USUAL[Kind.MACHINES], len(self.fill()))

    def test_one(self) -> None:
        """Where nothing is under way one is asked, whatever it will tell."""
        large = target(0)
        large.announced = 1000
        self.assertTrue(self.window.admits(large))
        self.window.left(large, 0, 0.0)
        self.assertFalse(self.window.admits(target(1)))

    def test_landed(self) -> None:
        """Each answer that comes makes room."""
        [first, *_] = self.fill()
        first.announced = 16
        for _ in range(15):
            self.window.landed(first)
            self.assertLessEqual(len(self.fill(start=100)), 1)
        self.window.done(first)

    def test_settled(self) -> None:
        """A factory that told all makes room at once."""
        asked = self.fill()
        asked[0].announced = 1
        self.window.landed(asked[0])
        self.window.done(asked[0])
        self.assertTrue(self.window.admits(target(9)))

    def test_late(self) -> None:
        """What did not come in time is not under way, and makes factories seem smaller."""
        first = self.fill()
        self.assertEqual(PASSING_SECONDS, self.window.next_at(0.0))
        self.window.pass_by(PASSING_SECONDS)
        second = self.fill(start=100, now=PASSING_SECONDS)
        self.assertGreater(len(second), len(first))
        self.window.pass_by(2 * PASSING_SECONDS)
        self.assertEqual(40, len(self.fill(start=200, now=1.0)))

    def test_learned(self) -> None:
        """What factories announced is expected of others."""
        asked = self.fill()
        for each in asked:
            each.announced = 2
            self.window.landed(each)
            self.window.done(each)
        self.assertGreater(len(self.fill(start=100)), 4)

    def test_of_a_buffer(self) -> None:
        """A socket's usual buffer holds some dozens of answers, a large one thousands."""
        self.assertTrue(50 < window_of(212_992) < 150)
        self.assertGreater(window_of(32 << 20), 10_000)
        self.assertEqual(1, window_of(0))
