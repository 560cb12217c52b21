"""Tests for vcycle.core.pipes.freshness."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.pipes.freshness import cache_seconds


class CacheSecondsTests(SynchronousTestCase):
    def test_table(self) -> None:
        """Each row: the factory's own wish, the document's, and what is done."""
        rows: list[tuple[int | None, int | None, int]] = [
            (None, None, 3600),
            (None, 7200, 7200),
            (600, 7200, 600),
            (None, 0, 60),
            (0, 7200, 60),
            (None, 10**9, 604800),
            (10**9, None, 604800),
        ]
        for own, document, expected in rows:
            self.assertEqual(expected, cache_seconds(own, document), (own, document))
