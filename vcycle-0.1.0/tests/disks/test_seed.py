"""Tests for vcycle.disks.seed: what a program of another's reads on the volumes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.errors import DiskError
from vcycle.core.machine import Seed
from vcycle.disks.seed import MAX_FILES, volume

CHECKOUT = Path(__file__).resolve().parents[2]
NAMES = st.from_regex(r"[a-z][a-z0-9_.-]{0,20}[a-z0-9]", fullmatch=True)


class VolumeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.iso = Path(self.mktemp()).absolute()

    def unpacked(self, label: str, *files: tuple[str, bytes]) -> dict[str, bytes]:
        """What xorriso finds on the volume, by Rock Ridge's names."""
        self.iso.write_bytes(volume(Seed(label=label, files=files)))
        target = Path(self.mktemp()).absolute()
        command = ["xorriso", "-osirrox", "on", "-indev", str(self.iso), "-extract", "/"]
        subprocess.run([*command, str(target)], check=True, capture_output=True)
        found = [path for path in target.rglob("*") if path.is_file()]
        return {str(path.relative_to(target)): path.read_bytes() for path in found}

    def blkid(self, what: str) -> str:
        command = ["blkid", "-p", "-o", "value", "-s", what, str(self.iso)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def test_read(self) -> None:
        """Names, directories and contents are as they were given, empty files included."""
        files = {
            "openstack/latest/meta_data.json": b"{}",
            "openstack/latest/user_data": b"\x00\xff" * 100_000,
            "ec2/latest/user-data": b"x",
            "network-config": b"",
        }
        self.assertEqual(files, self.unpacked("config-2", *files.items()))

    def test_label(self) -> None:
        """The kernel's tools find it by its label, small letters included, as cloud-init does."""
        for label in ("cidata", "config-2"):
            self.unpacked(label, ("meta-data", b"{}"))
            self.assertEqual((label, "iso9660"), (self.blkid("LABEL"), self.blkid("TYPE")))

    @given(st.dictionaries(NAMES, st.binary(max_size=3000), max_size=8))
    @settings(max_examples=10)
    def test_any(self, files: dict[str, bytes]) -> None:
        """Whatever the files are called, and hold."""
        wanted = {f"directory/{name}": content for name, content in files.items()}
        self.assertEqual(wanted, self.unpacked("cidata", *wanted.items()))

    def test_unfit(self) -> None:
        """Names that lead elsewhere, or nowhere, are refused."""
        for label, *paths in (
            ("cidata", "../x"),
            ("cidata", "a//b"),
            ("cidata", "/a"),
            ("cidata", ""),
            ("cidata", "x" * 200),
            ("a label", "a"),
            ("cidata", "a", "a"),
            ("cidata", *map(str, range(MAX_FILES + 1))),
        ):
            seed = Seed(label=label, files=tuple((path, b"") for path in paths))
            self.assertRaises(DiskError, volume, seed)

    def test_not_installed(self) -> None:
        """Without what writes volumes, the packages that have it are named."""
        script = (
            "import sys; sys.modules['pycdlib'] = None\n"
            "from vcycle.core.machine import Seed\n"
            "from vcycle.disks.seed import volume\n"
            "try: volume(Seed(label='cidata', files=()))\n"
            "except Exception as error: print(type(error).__name__, error)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=True
        )
        self.assertIn("DiskError", done.stdout)
        self.assertIn("python3-pycdlib", done.stdout)
