"""Tests for vcycle.providers.libvirt.sharing."""

from __future__ import annotations

import json
import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.sharing import Ways
from vcycle.providers.libvirt.sharing import virtiofs_problem, ways_of

SYSTEM = "qemu:///system"


def told(*drivers: str) -> str:
    """As much of libvirt's domain capabilities."""
    values = "".join(f"\n<value>{driver}</value>" for driver in drivers)
    enum = f"<enum name='driverType'>{values}\n</enum>"
    return (
        "<devices><video supported='yes'><enum name='m'><value>virtiofs</value></enum></video>"
        f"<filesystem supported='yes'>\n{enum}\n</filesystem></devices>"
    )


class WaysTests(SynchronousTestCase):
    def test_all(self) -> None:
        """A new libvirt on a QEMU with both can do everything."""
        found = ways_of(told("path", "handle", "virtiofs"), 11_000_000, None)
        self.assertEqual(Ways(virtiofs=None, readonly=None, ninep=None), found)

    def test_old(self) -> None:
        """An older libvirt cannot keep machines from writing through virtiofs; the cure is told."""
        found = ways_of(told("path", "virtiofs"), 9_000_000, None)
        self.assertIsNone(found.virtiofs)
        assert found.readonly is not None
        self.assertIn("libvirt 9.0.0 cannot", found.readonly)
        self.assertIn(":rw", found.readonly)

    def test_neither(self) -> None:
        """A QEMU without, or capabilities that make no sense, can do nothing."""
        for text in (told(), "<filesystem supported='no'/>", "", "<filesystem"):
            found = ways_of(text, 11_000_000, None)
            self.assertEqual(("QEMU cannot do virtiofs",) * 2, (found.virtiofs, found.readonly))
            self.assertEqual("QEMU cannot do 9p", found.ninep)

    def test_problem(self) -> None:
        """What else is in virtiofs's way is told of it, and of it alone."""
        found = ways_of(told("path", "virtiofs"), 11_000_000, "no program")
        self.assertEqual(("no program",) * 2, (found.virtiofs, found.readonly))
        self.assertIsNone(found.ninep)


class ProgramTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.place = Path(self.mktemp())
        self.place.mkdir()

    def described(self, **fields: object) -> str | None:
        (self.place / "50-x.json").write_text(json.dumps(fields), "utf-8")
        return virtiofs_problem(SYSTEM, [str(self.place / "none"), str(self.place)])

    def test_found(self) -> None:
        """A program that is described as QEMU wants it, and is there."""
        self.assertIsNone(self.described(type="fs", binary="/bin/sh"))

    def test_not_found(self) -> None:
        """No description, no program, or a description of something else."""
        self.assertIn("install", virtiofs_problem(SYSTEM, [str(self.place)]) or "")
        for fields in (
            {"type": "fs", "binary": os.path.abspath("none")},
            {"type": "gpu", "binary": "/bin/sh"},
            {"type": "fs"},
            {"type": "fs", "binary": 7},
        ):
            self.assertIn("install", self.described(**fields) or "")
        (self.place / "50-x.json").write_text("[" * 60_000, "utf-8")
        self.assertIn("install", virtiofs_problem(SYSTEM, [str(self.place)]) or "")

    def test_other_drivers(self) -> None:
        """Without the system's daemon there is none; of another host nothing is known."""
        self.assertIn("qemu:///system", virtiofs_problem("qemu:///session") or "")
        self.assertIsNone(virtiofs_problem("qemu+ssh://other/system", []))
