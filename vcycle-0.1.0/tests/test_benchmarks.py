"""
The benchmarks run and tell what they measured, in small.

Whether targets are met is not tested: that depends on what else the machine has to do.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.figures import MISSED, Figure, spread

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 120


def figure(**changes: object) -> Figure:
    """A value of 3 over a baseline of 2."""
    values: dict[str, object] = {
        "what": "something",
        "value": 3.0,
        "unit": "s",
        "baseline_is": "nothing much",
        "baseline": 2.0,
    }
    return Figure(**{**values, **changes})  # type: ignore[arg-type]


class FigureTests(SynchronousTestCase):
    def test_bounded(self) -> None:
        """A target bounds the value."""
        self.assertTrue(figure(target=3.0).met)
        self.assertFalse(figure(target=2.9).met)

    def test_relative(self) -> None:
        """A relative target bounds the ratio to the baseline."""
        self.assertTrue(figure(target=1.5, relative=True).met)
        self.assertFalse(figure(target=1.4, relative=True).met)

    def test_no_target(self) -> None:
        """A figure without a target is only reported."""
        self.assertTrue(figure().met)
        self.assertNotIn("PASS", str(figure()))

    def test_no_baseline(self) -> None:
        """A relative target is missed where the baseline is nothing."""
        self.assertFalse(figure(baseline=0.0, target=9.0, relative=True).met)

    def test_told(self) -> None:
        """The text has value, baseline, ratio and verdict."""
        text = str(figure(target=1.4, relative=True))
        for part in ("3 s", "nothing much: 2 s", "ratio 1.50", "at most 1.4", "FAIL"):
            self.assertIn(part, text)

    def test_spread(self) -> None:
        """A spread names the ends and the middle."""
        self.assertEqual("least 1, median 2, most 9 of 3", spread([9.0, 1.0, 2.0]))


class ProgramTests(SynchronousTestCase):
    def figures(self, program: str, *words: str) -> list[dict[str, Any]]:
        """What a program says as JSON; its exit status only says whether targets were met."""
        process = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{program}", "--json", *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertIn(process.returncode, (0, MISSED), process.stderr)
        try:
            found = json.loads(process.stdout)
        except ValueError:
            self.fail(process.stderr)
        self.assertEqual(process.returncode == 0, all(each["met"] for each in found))
        self.assertIsInstance(found, list)
        return list(found)

    def test_cycle(self) -> None:
        """CPU time, its growth, blocks and memory, each beside a baseline."""
        found = self.figures("cycle", "--sizes", "10", "50", "--cycles", "1")
        self.assertEqual(["s", "times", "ms", "ms", "ms", "MB"], [each["unit"] for each in found])
        for each in found:
            self.assertGreaterEqual(each["ratio"], 0.0, each["what"])

    def test_fill(self) -> None:
        """The overhead per machine on libvirt's test driver."""
        [found] = self.figures("fill", "--only", "test", "--rounds", "1")
        self.assertEqual("ms", found["unit"])
        self.assertGreater(found["baseline"], 0.0)

    def test_check(self) -> None:
        """How long the monitoring's check takes, beside an interpreter that does nothing."""
        [found] = self.figures("check", "--short")
        self.assertEqual("ms", found["unit"])
        self.assertGreater(found["value"], found["baseline"] / 2)

    def test_download(self) -> None:
        """The time of a download beside curl's, its memory, and how soon queries are answered."""
        found = self.figures("download", "--megabytes", "8", "--rounds", "1")
        self.assertEqual(["s", "MB", "ms"], [each["unit"] for each in found])
        self.assertLess(found[1]["value"], 100.0)

    def test_succession(self) -> None:
        """The delay from a machine's destruction to the next create."""
        [found] = self.figures("succession", "--only", "test", "--successions", "1")
        self.assertEqual(0.5, found["target"])
        self.assertGreater(found["value"], 0.0)
