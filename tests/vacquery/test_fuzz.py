"""A bounded run of what ``python -m tests.fuzz_vacquery`` does at length."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.fuzz_vacquery import EVERY, GROWTH, fuzz

COUNT = 20_000


class FuzzTests(SynchronousTestCase):
    def test_mutants(self) -> None:
        """Mutated datagrams leave the responder answering, and memory as it was."""
        found = fuzz(COUNT, seed=1)
        self.assertEqual(COUNT // EVERY, found.checked)
        self.assertGreater(found.counts.malformed, COUNT // 10)
        self.assertGreater(found.counts.answers, found.checked)
        self.assertLess(found.late - found.early, GROWTH)
