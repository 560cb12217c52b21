"""What every test with the real daemon begins and ends with."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from demo.guest.build import Guest
from tests.system.domains import end_all, remove_cgroups
from tests.system.guest import guest
from tests.system.vcycled import Vcycled

SPACE = "system.vcycle.test"
FACTORY = "factory1.vcycle.test"
# A guest under emulation beside others on few processors.
BOOTS = 120.0


def section(header: str, options: Mapping[str, object]) -> str:
    """A section of a configuration."""
    return "\n".join([f"[{header}]", *(f"{n} = {v}" for n, v in options.items()), "", ""])


class SystemCase(SynchronousTestCase):
    """
    A place, and a daemon on it. All machines end with the test, whatever becomes of it.

    ``uri`` and ``port`` say where machines run, and how they see their web server;
    ``vacquery_port`` where other factories are answered, 0 for nowhere, and ``monitor_port``
    where one can look.
    """

    uri = "qemu:///embed?root={place}/q"
    port = 8080
    vacquery_port = 0
    monitor_port = 0

    def setUp(self) -> None:
        first = Path("/proc/1/cmdline").read_bytes()
        self.assertIn(b"tests.system.nest", first, "run it by: tests/run system")
        self.place = Path(tempfile.mkdtemp(prefix="vc", dir="/tmp"))
        self.place.chmod(0o755)
        self.daemon = Vcycled(self.place)
        self.addCleanup(self._clean)

    def _clean(self) -> None:
        self.daemon.kill()
        end_all(self.within)
        remove_cgroups(r"-factory[0-9]-[0-9.a-z]*vcycle\.test")
        kept = os.environ.get("VCYCLE_KEEP")
        if kept:
            shutil.copytree(self.place, Path(kept) / self.id(), dirs_exist_ok=True)
        shutil.rmtree(self.place, ignore_errors=True)

    @property
    def within(self) -> str:
        """What the command lines of this test's machines hold, and no other's."""
        return str(self.place)

    def guest(self, iso: bool = False) -> Guest:
        """The guest, where QEMU can read it whichever account it runs as."""
        built = guest(iso)
        place = self.place / "guest"
        place.mkdir(exist_ok=True)
        parts = [built.kernel, built.initrd, *([built.iso] if built.iso else [])]
        for part in parts:
            if not (place / part.name).exists():
                shutil.copyfile(part, place / part.name)
        return Guest(
            kernel=place / built.kernel.name,
            initrd=place / built.initrd.name,
            iso=place / built.iso.name if built.iso else None,
        )

    def space(self, name: str = SPACE, **options: object) -> str:
        """A [space] section; machines are small, and no load keeps them from starting."""
        return section(
            f"space {name}",
            {
                "factory_name": FACTORY,
                "libvirt_uri": self.uri.format(place=self.place),
                "guest_http_port": self.port,
                "cycle_seconds": 2,
                "total_processors": 64,
                "total_mb": 65536,
                "mb_per_processor": 128,
                "overload_per_processor": 1000,
                **options,
            },
        )

    def working(self, name: str, script: str, space: str = SPACE, **options: object) -> str:
        """A [machinetype] section of guests that run a script."""
        made = self.guest()
        user_data = self.place / f"{name}.sh"
        user_data.write_text("#!/bin/sh\n" + script, "utf-8")
        return section(
            f"machinetype {space} {name}",
            {
                "target_share": 1,
                "machine_model": "vm-direct",
                "kernel": made.kernel,
                "initrd": made.initrd,
                "kernel_arguments": f"{made.arguments} vc.md=##metadata_url##",
                "user_data": user_data,
                "max_wallclock_seconds": 3600,
                "fizzle_seconds": 60,
                "backoff_seconds": 1,
                **options,
            },
        )

    def idle(self, name: str, space: str = SPACE, **options: object) -> str:
        """A [machinetype] section of machines with nothing to boot from: they cost little."""
        image = self.place / "blank.raw"
        if not image.exists():
            with image.open("wb") as file:
                file.truncate(1 << 20)
        return section(
            f"machinetype {space} {name}",
            {
                "target_share": 1,
                "machine_model": "vm-raw",
                "root_image": image,
                "max_wallclock_seconds": 3600,
                "fizzle_seconds": 1,
                "backoff_seconds": 1,
                **options,
            },
        )

    def configure(self, *sections: str) -> None:
        """Write the configuration, a whole file at once."""
        settings = section(
            "settings",
            {
                "state_dir": self.daemon.state,
                "vacquery_port": self.vacquery_port,
                "vacquery_interface": "127.0.0.1",
                "monitor_port": self.monitor_port,
            },
        )
        self.write("\n".join([settings, *sections]))

    def write(self, text: str) -> None:
        new = self.place / "vcycle.conf.new"
        new.write_text(text, "utf-8")
        new.replace(self.place / "vcycle.conf")
