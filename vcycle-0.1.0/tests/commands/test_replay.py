"""Tests for vcycle.commands.replay."""

from __future__ import annotations

import json
from pathlib import Path

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.running import run
from tests.core.values import NOW, SPACE, observation
from tests.inplace import in_place
from vcycle.core.config.build import read
from vcycle.core.journal import encode
from vcycle.core.plan import plan_cycle
from vcycle.store.journal import Journal

TEXT = f"""\
[settings]
vcycle_space = {SPACE}
factory_name = factory1.example.com
libvirt_uri = test:///default
state_dir = {{state_dir}}
total_processors = {{processors}}
[machinetype atlas]
target_share = 1
root_image = /images/atlas.img
"""


class ReplayTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.place = Path(self.mktemp()).absolute()
        self.place.mkdir(parents=True)
        journal = Journal(str(self.place / "journal"), 7.0, 200, in_place)
        configuration = read([("t.conf", self.text(2))], "factory1.example.com")
        seen = observation(space=configuration.spaces[SPACE])
        for number in range(3):
            at = evolve(seen, now=NOW + 60 * number, survey=None if number == 2 else seen.survey)
            plan = plan_cycle(at)
            line = encode(at, plan)
            written = journal.append(lambda line=line: line, at.now)  # type: ignore[misc]
            self.successResultOf(Deferred.fromCoroutine(written))

    def text(self, processors: int) -> str:
        return TEXT.format(state_dir=self.place, processors=processors)

    def replay(self, processors: int, *words: str) -> tuple[int, str, str]:
        file = self.place / "vcycle.conf"
        file.write_text(self.text(processors))
        return run("replay", "--config", str(file), *words)

    def test_same(self) -> None:
        """Under the configuration of then nothing differs."""
        status, out, err = self.replay(2)
        self.assertEqual((0, ""), (status, err))
        self.assertEqual(
            "3 cycles replayed, 0 would differ; 4 machines were started, 4 would have been.\n", out
        )

    def test_other(self) -> None:
        """Under another one each cycle that would differ is told, with how."""
        status, out, _ = self.replay(5)
        self.assertEqual(3, status)
        self.assertIn(f"2023-11-14 22:13:20Z {SPACE}: atlas: starts 5 (was: starts 2)\n", out)
        self.assertIn("3 cycles replayed, 2 would differ; 4 machines were started, 10", out)
        _, out, _ = self.replay(5, "-o", "json")
        found = json.loads(out)
        self.assertEqual((3, 2, 2), (found["replayed"], found["differing"], len(found["cycles"])))

    def test_nothing(self) -> None:
        """Where nothing was recorded, that is told."""
        for words in (("-s", "other.test"), ("--journal", "/nowhere"), ("--since", "1s")):
            status, _, err = self.replay(2, *words)
            self.assertEqual(1, status)
            self.assertIn("nothing was recorded", err)

    def test_unusable(self) -> None:
        """A configuration that cannot be used replays nothing."""
        status, _, err = run("replay", "--config", "/nowhere.conf")
        self.assertEqual(1, status)
        self.assertIn("vcycle check", err)

    def test_damaged(self) -> None:
        """Lines of another version are counted, and hide no others."""
        journal = Journal(str(self.place / "journal"), 7.0, 200, in_place)
        self.successResultOf(Deferred.fromCoroutine(journal.append(lambda: b"{}", NOW + 300)))
        _, out, _ = self.replay(2)
        self.assertIn("3 cycles replayed", out)
        self.assertIn("1 lines could not be replayed", out)
