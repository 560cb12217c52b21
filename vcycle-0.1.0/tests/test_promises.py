"""Each promise of docs/design.rst has tests, and they are there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

PAGE = Path(__file__).resolve().parents[1] / "docs" / "design.rst"
TEST = re.compile(r"(?<=\s)([a-z_.]+\.test_[a-z_]+):(\w*)\.?(\w*)$", re.MULTILINE)


def section() -> str:
    """The section on promises."""
    return PAGE.read_text("utf-8").split("\nPromises\n", 1)[1].split("\nThe fence\n", 1)[0]


class PromisesTests(SynchronousTestCase):
    def test_named(self) -> None:
        """Every test that the page names exists."""
        named = TEST.findall(section())
        self.assertGreater(len(named), 15)
        for module, case, prefix in named:
            loaded = importlib.import_module(f"tests.{module}")
            tests = [name for name in vars(getattr(loaded, case)) if name.startswith("test_")]
            matching = [name for name in tests if name.startswith(prefix)]
            self.assertNotEqual([], matching, f"{module}:{case}.{prefix}")

    def test_numbered(self) -> None:
        """All promises have a row."""
        numbers = [int(n) for n in re.findall(r"^(\d+) ", section(), re.MULTILINE)]
        self.assertEqual([*range(1, 17)], numbers)
