"""Tests for vcycle.daemon.pipecopies, on real files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.core.pipes.writing import URL
from vcycle.core.errors import StoreError
from vcycle.daemon import pipecopies
from vcycle.daemon.pipecopies import Copy

NOW = 1_767_225_600.0


class CopiesTests(SynchronousTestCase):
    COPY = Copy(url=URL, body='{"machinetypes": [], "x": "\u00e9"}'.encode(), fetched_at=NOW)

    def setUp(self) -> None:
        self.state_dir = str(Path(self.mktemp()).absolute())
        os.makedirs(self.state_dir)

    def test_recall(self) -> None:
        """A copy is what was kept, and only its owner can read it."""
        pipecopies.keep(self.state_dir, self.COPY)
        self.assertEqual({URL: self.COPY}, pipecopies.recall(self.state_dir, [URL, "https://x/"]))
        mode = os.stat(pipecopies.path_of(self.state_dir, URL)).st_mode
        self.assertEqual(0o600, stat.S_IMODE(mode))
        newer = evolve(self.COPY, fetched_at=NOW + 1)
        pipecopies.keep(self.state_dir, newer)
        self.assertEqual({URL: newer}, pipecopies.recall(self.state_dir, [URL]))

    def test_damaged(self) -> None:
        """What is damaged, or another's, is none."""
        pipecopies.keep(self.state_dir, self.COPY)
        path = Path(pipecopies.path_of(self.state_dir, URL))
        good = path.read_text("ascii")
        for text in (
            *(
                "",
                "[]",
                "{}",
                good.replace(URL, "https://x/"),
                good.replace('"version": 1', '"version": 2'),
            ),
            *(good.replace(str(NOW), '"x"'), good.replace(str(NOW), "1e999"), "[" * 100_000),
            good.replace('"{', '3, "x": "{'),
        ):
            path.write_text(text, "ascii")
            self.assertEqual({}, pipecopies.recall(self.state_dir, [URL]), text[:80])

    def test_cannot_be_kept(self) -> None:
        """A disk that refuses is told."""
        Path(self.state_dir, "pipes").write_text("in the way", "utf-8")
        self.assertRaises(StoreError, pipecopies.keep, self.state_dir, self.COPY)

    def test_prune(self) -> None:
        """Copies of other pipes go after a while, those of ours stay."""
        other = evolve(self.COPY, url="https://other.test/p")
        for copy in (self.COPY, other):
            pipecopies.keep(self.state_dir, copy)
            os.utime(pipecopies.path_of(self.state_dir, copy.url), (NOW, NOW))
        pipecopies.prune(self.state_dir, [URL], NOW + pipecopies.KEPT_SECONDS)
        self.assertEqual(2, len(pipecopies.recall(self.state_dir, [URL, other.url])))
        pipecopies.prune(self.state_dir, [URL], NOW + pipecopies.KEPT_SECONDS + 1)
        self.assertEqual([URL], list(pipecopies.recall(self.state_dir, [URL, other.url])))
