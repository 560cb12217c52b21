"""Machines of the models that boot from images, and what becomes of their disks."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.system.case import BOOTS, SPACE, section
from tests.system.domains import pids
from tests.system.systemcase import OnSystem
from vcycle.core.machine import Outcome, Record

GIGABYTE = 10**9
# Looks at its disk before it says how it ends.
LOOKS = """\
size=$(cat /sys/class/block/vda/size)
echo "$size" | put size
echo 'written by a guest' > /dev/vda && sync && put disk < /dev/null
shutdown_message 200 Success
"""


class ModelTests(OnSystem):
    def test_boot_cd(self) -> None:
        """
        A cernvm3 machine boots from a CD that all share, with a blank disk of its own, which
        is gone when the machine is.
        """
        made = self.guest(iso=True)
        assert made.iso is not None
        before = made.iso.read_bytes()
        user_data = self.place / "looks.sh"
        user_data.write_text("#!/bin/sh\n" + LOOKS, "utf-8")
        self.configure(
            self.space(total_machines=2),
            section(
                f"machinetype {SPACE} cd",
                {
                    "target_share": 1,
                    "machine_model": "cernvm3",
                    "root_image": made.iso,
                    "user_data": user_data,
                    "disk_gb_per_processor": 2,
                    "max_wallclock_seconds": 3600,
                    "fizzle_seconds": 60,
                },
            ),
        )
        self.daemon.start()
        disks: dict[str, list[Path]] = {}

        def two() -> bool:
            for record in self.daemon.living():
                # They go a moment before the end is written.
                if found := list(self.daemon.directory(record).glob("root.*")):
                    disks[record.uuid] = found
            return len(self.daemon.ended("cd")) >= 2

        self.daemon.until("two machines from the CD are over", two, 4 * BOOTS)
        for record in self.daemon.ended("cd"):
            self.assertIs(Outcome.COMPLETED, record.outcome, self.daemon.told())
            size = int(self.daemon.output(record, "size") or 0) * 512
            self.assertEqual(2 * GIGABYTE // 512 * 512, size)
            self.assertEqual(1, len(disks[record.uuid]))
            self.assertEqual([], list(self.daemon.directory(record).glob("root.*")))
        self.assertEqual(before, made.iso.read_bytes())

    def test_overlays(self) -> None:
        """
        vm-raw machines run on overlays of their image, raw or qcow2, which stays as it is;
        the overlays are removed with their machines.
        """
        raw, qcow2 = self.place / "image.raw", self.place / "image.qcow2"
        _qemu_img("create", "-f", "raw", str(raw), "8M")
        _qemu_img("create", "-f", "qcow2", str(qcow2), "16M")
        before = raw.read_bytes(), qcow2.read_bytes()
        self.configure(
            self.space(total_machines=2),
            self.idle("plain", root_image=raw, max_wallclock_seconds=15),
            self.idle("packed", root_image=qcow2, max_wallclock_seconds=15),
        )
        self.daemon.start()
        self.daemon.until("two machines run", lambda: len(pids()) == 2)
        self.daemon.until("it knows", lambda: all(r.started_at for r in self._two()))
        for record in self._two():
            facts = _info(self.daemon.directory(record) / "root.qcow2")
            image = raw if record.machinetype == "plain" else qcow2
            self.assertEqual("qcow2", facts["format"])
            self.assertEqual(str(image), facts["backing-filename"])
            self.assertEqual("raw" if image == raw else "qcow2", facts["backing-filename-format"])
            self.assertEqual(_info(image)["virtual-size"], facts["virtual-size"])
        first = self._two()

        def over() -> bool:
            return len(self.daemon.ended("plain")) > 0 and len(self.daemon.ended("packed")) > 0

        self.daemon.until("they are over", over)
        for record in first:
            self.assertEqual([], list(self.daemon.directory(record).glob("root.*")))
        self.assertEqual(before, (raw.read_bytes(), qcow2.read_bytes()))

    def _two(self) -> list[Record]:
        records = self.daemon.living()
        return records if len(records) == 2 else []


def _info(disk: Path) -> dict[str, Any]:
    told = _qemu_img("info", "--output=json", "-U", str(disk))
    facts: dict[str, Any] = json.loads(told)
    return facts


def _qemu_img(*words: str) -> str:
    return subprocess.run(["qemu-img", *words], capture_output=True, text=True, check=True).stdout


del OnSystem
