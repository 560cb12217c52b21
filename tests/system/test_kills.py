"""
The daemon killed in the middle of its creations, again and again, on both of libvirt's drivers.

A creation whose daemon was killed may still take effect, so a record without a domain is given
up only after a while; both drivers are therefore waited for at once.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter

from tests.system.case import SPACE
from tests.system.domains import domains, pids
from tests.system.systemcase import OnSystem
from tests.system.vcycled import Vcycled
from vcycle.core.machine import Outcome

EMBEDDED = "embedded.vcycle.test"
MACHINES = 6
KILLS = 5
# Provider traits' settle_seconds, and a few cycles.
SETTLES = 260.0


class KillTests(OnSystem):
    def test_killed_in_creations(self) -> None:
        """SIGKILL amid creations, and a restart, neither lose nor double a machine."""
        chance = random.Random(time.time_ns())  # noqa: S311
        embedded = self._embedded()
        self.configure(self._space(SPACE), self.idle("idle", space=SPACE))
        for daemon in (self.daemon, embedded):
            for _ in range(KILLS):
                self._kill_amid(daemon, chance.uniform(0.0, 1.5))
        for daemon in (self.daemon, embedded):
            daemon.start()
        for daemon in (self.daemon, embedded):
            daemon.until(
                "each living record has its machine, and each machine its record",
                lambda: self._agree(daemon),  # noqa: B023
                SETTLES,
            )
            self._whole(daemon)
        embedded.stop()

    def _embedded(self) -> Vcycled:
        """A second daemon, on the embedded driver."""
        place, uri = self.place / "e", self.uri
        place.mkdir()
        daemon = Vcycled(place)
        self.addCleanup(daemon.kill)
        self.place, self.uri, self.port = place, f"qemu:///embed?root={place}/q", 8080
        kept, self.daemon = self.daemon, daemon
        self.configure(self._space(EMBEDDED), self.idle("idle", space=EMBEDDED))
        self.place, self.uri, self.port = place.parent, uri, 80
        self.daemon = kept
        return daemon

    def _space(self, name: str) -> str:
        return self.space(name, total_machines=MACHINES, factory_name=f"factory1.{name}")

    def _kill_amid(self, daemon: Vcycled, after: float) -> None:
        """Start it, and kill it so many seconds after its first request for a machine."""
        before = len(daemon.lines("Creating "))
        daemon.start()
        end = time.monotonic() + 20.0
        while len(daemon.lines("Creating ")) == before and time.monotonic() < end:
            # Once all exist there is nothing to be created: then make room.
            if daemon.lines("no machines are created") and len(daemon.living()) == MACHINES:
                for domain in domains(f"{daemon.state}/")[:3]:
                    domain.process.send(signal.SIGKILL)
            time.sleep(0.05)
        time.sleep(after)
        daemon.kill()
        found = Counter(domain.name for domain in domains(f"{daemon.state}/"))
        self.assertLessEqual(sum(found.values()), MACHINES, daemon.told())
        self.assertEqual([], [name for name, count in found.items() if count > 1])

    def _agree(self, daemon: Vcycled) -> bool:
        running = {domain.uuid: domain.name for domain in domains(f"{daemon.state}/")}
        living = {record.uuid: record.name for record in daemon.living()}
        return len(running) == MACHINES and running == living

    def _whole(self, daemon: Vcycled) -> None:
        """No machine has two records, and nothing is left of those that are over."""
        records = daemon.records()
        doubled = [uuid for uuid, count in Counter(r.uuid for r in records).items() if count > 1]
        self.assertEqual([], doubled)
        self.assertEqual([], daemon.lines("Traceback"), daemon.told())
        for record in records:
            left = list(daemon.directory(record).glob("*.qcow2"))
            self.assertEqual(record.ended_at is None, bool(left), f"{record}: {left}")
        lost = [r for r in records if r.outcome is Outcome.NEVER_STARTED]
        adopted = daemon.lines("adopted")
        print(f"\n{daemon.place}: {len(records)} records, {len(lost)} of machines that")
        print(f"  never came to be, {len(adopted)} adopted, {len(pids())} QEMUs in all")


del OnSystem
