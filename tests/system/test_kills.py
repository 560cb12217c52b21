"""
The daemon killed in the middle of its creations, again and again, on both of libvirt's drivers.

A creation whose daemon was killed may still take effect, so a record without a domain is given
up only after a while; both drivers are therefore waited for at once.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

from tests.system.case import SPACE, SystemCase
from tests.system.domains import domains, pids
from tests.system.systemcase import OnSystem
from tests.system.vcycled import Vcycled
from vcycle.core.machine import Outcome

EMBEDDED = "embedded.vcycle.test"
EMBED = SystemCase.uri
ROUNDS = 4
# So many more in each round, of another machinetype: none waits for the fate of the others.
MORE = 3
CREATES = 30.0
# Provider traits' settle_seconds, and a few cycles.
SETTLES = 260.0


class KillTests(OnSystem):
    def test_killed_in_creations(self) -> None:
        """SIGKILL amid creations, and a restart, neither lose nor double a machine."""
        chance = random.Random(time.time_ns())
        embedded = Vcycled(self._apart())
        self.addCleanup(embedded.kill)
        for number in range(1, ROUNDS + 1):
            self._configure(number)
            for daemon in (self.daemon, embedded):
                after = chance.uniform(0.0, 1.5)
                if daemon is embedded and number == 1:
                    # libvirt knows a machine then, and not yet its process.
                    self._kill_amid(daemon, MORE, 0.0, "q/run/qemu/*.test.xml")
                else:
                    self._kill_amid(daemon, number * MORE, after)
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

    def _apart(self) -> Path:
        """Where the second daemon is."""
        place = self.place / "e"
        place.mkdir(exist_ok=True)
        return place

    def _configure(self, number: int) -> None:
        """Both daemons, as of a round."""
        system = self._sections(SPACE, number)
        daemon, place, uri, port = self.daemon, self.place, self.uri, self.port
        self.configure(*system)
        self.place = self._apart()
        self.daemon, self.uri, self.port = Vcycled(self.place), EMBED, 8080
        try:
            self.configure(*self._sections(EMBEDDED, number))
        finally:
            self.daemon, self.place, self.uri, self.port = daemon, place, uri, port

    def _sections(self, space: str, number: int) -> list[str]:
        first = self.space(space, total_machines=number * MORE, factory_name=f"factory1.{space}")
        return [first, *(self.idle(f"idle{n}", space=space) for n in range(number))]

    def _kill_amid(self, daemon: Vcycled, most: int, after: float, sign: str = "") -> None:
        """
        Start it, and kill it so many seconds after its first request for a machine, or at once
        when a file is there whose name is like the sign.
        """
        before = len(daemon.lines("Creating "))
        daemon.start()
        daemon.until("it creates", lambda: len(daemon.lines("Creating ")) > before, CREATES, 0.02)
        if sign:
            daemon.until(sign, lambda: any(daemon.place.glob(sign)), CREATES, 0.001)
        time.sleep(after)
        daemon.kill()
        found = Counter(domain.name for domain in domains(f"{daemon.state}/"))
        self.assertLessEqual(sum(found.values()), most, daemon.told())
        self.assertEqual([], [name for name, count in found.items() if count > 1])

    def _agree(self, daemon: Vcycled) -> bool:
        running = {domain.uuid: domain.name for domain in domains(f"{daemon.state}/")}
        living = {record.uuid: record.name for record in daemon.living()}
        return len(running) == ROUNDS * MORE and running == living

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


del OnSystem, SystemCase
