"""Tests for vcycle.core.veto."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, observation, space
from vcycle.core.looks import look
from vcycle.core.observation import Budget, Host, Observation, Use
from vcycle.core.veto import DISK_RESERVE, full, veto

IDLE = Host(processors=8, load=0.0, disk_free=DISK_RESERVE)


def loaded(load: float) -> Host:
    """A host of eight processors under that load."""
    return evolve(IDLE, load=load)


def asked(processors: int = 0, free: int | None = 8, **changes: Any) -> str | None:
    """The veto where so many processors are in use, and so many are free."""
    seen: Observation = evolve(observation(host=IDLE), **changes)
    use = Use(machines=processors, processors=processors)
    return veto(seen, look(seen), use, free)


class VetoTests(SynchronousTestCase):
    def test_none(self) -> None:
        """An idle factory may start machines."""
        self.assertIsNone(asked())

    def test_load(self) -> None:
        """Load counts against the running processors from five on, and against the host's."""
        overload = "overload_per_processor (1.25)"
        running = f"load average (6.26) > {overload} * running processors (5)"
        host = f"load average (10.01) > {overload} * processors of the host (8)"
        self.assertIsNone(asked(5, host=loaded(6.25)))
        self.assertEqual(running, asked(5, host=loaded(6.26)))
        self.assertIsNone(asked(4, host=loaded(10)))
        self.assertEqual(host, asked(4, host=loaded(10.01)))

    def test_reasons(self) -> None:
        """Each row: what has changed, and the reason."""
        rows: list[tuple[dict[str, Any], str]] = [
            ({"problems": ("vcycle.conf:3: no", "more")}, "vcycle.conf:3: no"),
            ({"survey": None}, "the provider's list is not complete: no answer"),
            ({"space": space(draining=True)}, "draining = yes"),
            ({"space": space(shutdown_time=int(NOW))}, "has already passed"),
            ({"host": evolve(IDLE, disk_free=DISK_RESERVE - 1)}, "(1023 MiB)"),
            (
                {"free": None, "space": space(total_processors=None)},
                "does not tell how many processors it has: set total_processors",
            ),
        ]
        for changes, words in rows:
            self.assertIn(words, asked(**changes) or "none")

    def test_no_reason(self) -> None:
        """What is not known, or lies ahead, is no veto."""
        rows: list[dict[str, Any]] = [
            {"host": evolve(IDLE, disk_free=None)},
            {"space": space(shutdown_time=int(NOW) + 1)},
            {"free": None, "space": space(total_processors=None, total_machines=5)},
        ]
        for changes in rows:
            self.assertIsNone(asked(**changes))

    def test_order(self) -> None:
        """Of several reasons the one that an operator has to act on comes first."""
        draining = space(draining=True, shutdown_time=int(NOW))
        self.assertIn("already passed", asked(space=draining) or "")
        self.assertIn("load average", asked(space=draining, host=loaded(99)) or "")
        self.assertEqual("x", asked(space=draining, host=loaded(99), problems=("x",)))


class FullTests(SynchronousTestCase):
    def test_limits(self) -> None:
        """Each row: what has changed, what is in use and free, and the limit that is reached."""
        rows: list[tuple[dict[str, Any], int, int | None, str | None]] = [
            ({}, 7, 1, None),
            ({}, 8, 0, "all 8 processors of total_processors are in use"),
            (
                {"budget": Budget(processors=6)},
                2,
                -1,
                "all 6 processors of the provider are in use",
            ),
            (
                {"budget": Budget(processors=6), "others": Use(machines=1, processors=4)},
                2,
                0,
                "all 6 processors that its spaces share are in use",
            ),
            ({"space": space(total_machines=3)}, 3, 5, "all 3 machines of total_machines exist"),
            ({"space": space(total_machines=3)}, 2, 6, None),
            ({"space": space(total_processors=None, total_machines=9)}, 8, None, None),
        ]
        for changes, processors, free, expected in rows:
            seen: Observation = evolve(observation(host=IDLE), **changes)
            use = Use(machines=processors, processors=processors)
            self.assertEqual(expected, full(seen, use, free), changes)
