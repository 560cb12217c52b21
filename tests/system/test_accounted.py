"""A real daemon killed around the ends of machines, again and again: each is accounted for once."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.system.testdriver import OnTestDriver
from vcycle.core.accounting.jobs import read_job
from vcycle.core.machine import Record
from vcycle.core.recordtext import decode

ROUNDS = 3
MACHINES = 4
# From the first sign that an end is being written down to the kill.
LATEST = 0.05


class AccountedTests(OnTestDriver):
    cycle = 1
    settings = "gocdb_sitename = EXAMPLE-SITE"
    machinetype = "max_wallclock_seconds = 1\n"

    def test_killed_at_ends(self) -> None:
        """
        After SIGKILL amid the ends of machines, and restarts, every machine that ended has one
        record in the archive, and one was queued, whatever had been sent in between.
        """
        chance = random.Random(time.time_ns())
        sent: Counter[str] = Counter()
        for number in range(1, ROUNDS + 1):
            # A creation that was cut off keeps its slot for minutes: it may still take effect.
            self.configure(number * MACHINES)
            before = self.spool()
            self.launch()
            self.until("ends are written down", partial(self.is_writing, before), 0.002)
            time.sleep(chance.uniform(0.0, LATEST))
            self.kill()
            sent.update(self.send())
        self.settings += "\ndraining = yes"
        self.configure(ROUNDS * MACHINES)
        self.start()
        self.until("nothing runs", lambda: self.living() == set())
        self.kill()
        sent.update(self.send())
        over = self.over()
        self.assertGreaterEqual(len(over), ROUNDS)
        archived = Counter(map(job, self.files("apel-archive")))
        self.assertEqual(Counter(over), archived)
        self.assertEqual(Counter(over), sent)
        self.assertEqual([], list((self.place / "s/apel-pending").iterdir()))
        status, out, err = self.vcycle("accounting", "verify")
        self.assertEqual((0, ""), (status, err), out)
        self.assertIn(f"job records: {len(over)}, queued of them: {len(over)},", out)

    def files(self, top: str) -> Iterator[Path]:
        return (self.place / "s" / top).glob("[0-9]*/[0-9a-f]*")

    def spool(self) -> set[Path]:
        """What is on its way, and what is kept for ever."""
        return {*(self.place / "s").glob("apel-pending/*"), *self.files("apel-archive")}

    def is_writing(self, before: set[Path]) -> bool:
        return self.spool() != before

    def send(self) -> list[str]:
        """As ssmsend does: what waits is taken away."""
        taken = []
        for path in self.files("apel-outgoing"):
            taken.append(job(path))
            path.unlink()
        return taken

    def ran(self) -> list[Record]:
        """The records of all machines that were seen to run."""
        found = (self.place / "s/spaces/one.test/machines").glob("[0-9]*/record.json")
        told = [decode(path.read_text("ascii")) for path in found]
        return [record for record in told if record.started_at is not None]

    def over(self) -> list[str]:
        """The uuids of machines that ran and are over."""
        return [record.uuid for record in self.ran() if record.ended_at is not None]

    def living(self) -> set[str]:
        return {record.uuid for record in self.ran() if record.ended_at is None}


def job(path: Path) -> str:
    """The uuid of a job record's machine."""
    return read_job(path.read_text("ascii")).uuid


del OnTestDriver
