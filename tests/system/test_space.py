"""Several daemons are one space: they see each other, share, and do without one that dies."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Callable

from twisted.trial.unittest import SynchronousTestCase

from tests.system.case import section
from tests.system.vcycled import ROOT, Vcycled
from tests.system.waiting import until

SPACE = "space.vcycle.test"
PORT = 9951
FACTORIES = 3
SLOTS = 8
SHARES = {"atlas": 3, "lhcb": 2, "cms": 1}
LIFE = 8
PATIENCE = 120.0


def factory(number: int) -> str:
    """The name of a factory."""
    return f"factory{number}.vcycle.test"


class SpaceTests(SynchronousTestCase):
    """Each factory has an address of its own on the loopback, and libvirt's test driver."""

    def setUp(self) -> None:
        first = Path("/proc/1/cmdline").read_bytes()
        self.assertIn(b"tests.system.nest", first, "run it by: tests/run system")
        self.place = Path(tempfile.mkdtemp(prefix="vc", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.place, ignore_errors=True)
        self.name_factories()
        self.daemons = {n: self.daemon(n) for n in range(1, FACTORIES + 1)}
        for daemon in self.daemons.values():
            self.addCleanup(daemon.kill)

    def name_factories(self) -> None:
        """The names of the factories, for this namespace of mounts alone."""
        hosts = self.place / "hosts"
        names = [f"127.0.0.{n} {factory(n)}" for n in range(1, FACTORIES + 1)]
        hosts.write_text("\n".join(["127.0.0.1 localhost", *names, ""]), "utf-8")
        subprocess.run(["mount", "--bind", str(hosts), "/etc/hosts"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/etc/hosts"], check=True)

    def daemon(self, number: int) -> Vcycled:
        place = self.place / f"f{number}"
        place.mkdir()
        image = place / "image"
        image.write_bytes(b"\0" * 4096)
        settings: Mapping[str, object] = {
            "vcycle_space": SPACE,
            "factory_name": factory(number),
            "factories": " ".join(factory(n) for n in range(1, FACTORIES + 1)),
            "libvirt_uri": "test:///default",
            "state_dir": place / "state",
            "guest_http_port": 0,
            "vacquery_port": PORT,
            "vacquery_interface": f"127.0.0.{number}",
            "udp_timeout_seconds": 2,
            "cycle_seconds": 1,
            "total_processors": SLOTS,
            "total_mb": 65536,
            "mb_per_processor": 64,
            "overload_per_processor": 1000,
        }
        text = section("settings", settings)
        for name, share in SHARES.items():
            text += section(
                f"machinetype {name}",
                {
                    "target_share": share,
                    "machine_model": "vm-raw",
                    "root_image": image,
                    "max_wallclock_seconds": LIFE,
                    "min_wallclock_seconds": 1,
                    "fizzle_seconds": 2,
                    "backoff_seconds": 1,
                    "machines_dir_days": 0.0001,
                },
            )
        (place / "vcycle.conf").write_text(text, "utf-8")
        return Vcycled(place)

    def told(self) -> str:
        return "\n".join(daemon.told() for daemon in self.daemons.values())

    def until(self, what: str, look: Callable[[], object]) -> object:
        return until(what, look, PATIENCE, self.told, 0.5)

    def machines(self) -> dict[str, int]:
        """Living machines of the whole space, by machinetype."""
        found = dict.fromkeys(SHARES, 0)
        for daemon in self.daemons.values():
            if daemon.running:
                for one in daemon.space(SPACE).get("machinetypes", []):
                    found[one["machinetype"]] += one["machines"]
        return found

    def scan(self) -> subprocess.CompletedProcess[str]:
        """What ``vcycle scan`` says, asked on the first factory."""
        configuration = str(self.daemons[1].place / "vcycle.conf")
        return subprocess.run(
            [sys.executable, "-m", "vcycle.commands.main", "scan", "--config", configuration],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    def converged(self) -> bool:
        """Within one machine of what the shares want of all slots."""
        slots = SLOTS * sum(daemon.running for daemon in self.daemons.values())
        found = self.machines()
        wanted = {name: slots * share / sum(SHARES.values()) for name, share in SHARES.items()}
        return all(abs(found[name] - wanted[name]) <= 1.5 for name in SHARES)

    def test_space(self) -> None:
        """
        Shares of 3:2:1 are kept over three factories; one is killed and the others go on with
        theirs; it comes back and is seen again.
        """
        for daemon in self.daemons.values():
            daemon.start()
        self.until("shares are kept", self.converged)
        seen = self.scan()
        self.assertEqual(0, seen.returncode, seen.stderr + self.told())
        for number in self.daemons:
            self.assertIn(f"factory{number}", seen.stdout)
        self.daemons[3].kill()
        self.until(
            "the others miss it",
            lambda: all(self.daemons[n].lines(f"{factory(3)}") for n in (1, 2)),
        )
        self.until("two keep the shares", self.converged)
        without = self.scan()
        self.assertEqual(1, without.returncode, without.stdout)
        self.assertIn("factory3", without.stderr)
        self.daemons[3].start()
        self.until("three keep the shares", self.converged)
        self.until("all answer", lambda: self.scan().returncode == 0)
        for daemon in self.daemons.values():
            self.assertLessEqual(daemon.stop(), 10.0)
