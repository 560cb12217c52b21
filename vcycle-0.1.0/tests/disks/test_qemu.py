"""Tests for vcycle.disks.qemu, with the real qemu-img where it matters."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from tests.inplace import in_place
from vcycle.core.errors import CallTimedOut, DiskError
from vcycle.core.machine import Disk, Forming, Seed
from vcycle.disks.qemu import QemuDisks, run_program

MEGABYTE = 1 << 20


class QemuTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = os.path.abspath(self.mktemp())
        os.mkdir(self.root)
        self.commands: list[Sequence[str]] = []
        self.disks = QemuDisks(in_place, run=self.run_and_note)

    def run_and_note(
        self, command: Sequence[str], seconds: float
    ) -> subprocess.CompletedProcess[bytes]:
        self.commands.append(command)
        return run_program(command, seconds)

    def path(self, name: str) -> str:
        return os.path.join(self.root, name)

    def raw(self, name: str, start: bytes = b"") -> str:
        with open(self.path(name), "wb") as file:
            file.write(start)
            file.truncate(MEGABYTE)
        return self.path(name)

    def qcow2(self, name: str, *options: str) -> str:
        command = ["qemu-img", "create", "-q", "-f", "qcow2", *options, self.path(name), "1M"]
        subprocess.run(command, check=True)
        return self.path(name)

    def overlay(self, backing: str, size: int | None = None) -> Forming:
        disk = Disk(path=self.path("root.qcow2"), kind="qcow2", device="vda")
        return Forming(disk=disk, backing=backing, size=size)

    def blank(self, size: int) -> Forming:
        return Forming(disk=Disk(path=self.path("b.raw"), kind="raw", device="vdb"), size=size)

    def info(self) -> dict[str, object]:
        """What qemu-img itself says of the overlay."""
        command = ["qemu-img", "info", "--output=json", self.path("root.qcow2")]
        answer = subprocess.run(command, check=True, capture_output=True)
        info: dict[str, object] = json.loads(answer.stdout)
        return info

    def refused(self, *wanted: Forming, disks: QemuDisks | None = None) -> str:
        before = sorted(os.listdir(self.root))
        forming = (disks or self.disks).form(wanted)
        text = str(self.failureResultOf(forming, DiskError).value)
        self.assertEqual(before, sorted(os.listdir(self.root)))
        return text

    def test_formats(self) -> None:
        """An overlay says in which format its backing image is to be read: never guessed later."""
        for backing, kind in [
            (self.raw("r"), "raw"),
            (self.qcow2("q"), "qcow2"),
            (self.qcow2("old", "-o", "compat=0.10"), "qcow2"),
            (self.raw("a, b:c=d%"), "raw"),
            (self.raw("vmdk", b"KDMV\x01\0\0\0"), "raw"),
        ]:
            self.successResultOf(self.disks.form([self.overlay(backing)]))
            info = self.info()
            self.assertEqual(
                ("qcow2", MEGABYTE, backing, kind),
                (
                    info["format"],
                    info["virtual-size"],
                    info["backing-filename"],
                    info["backing-filename-format"],
                ),
            )
            self.successResultOf(self.disks.remove([self.path("root.qcow2")]))

    def test_sizes(self) -> None:
        """An overlay may be larger than its image; a blank disk takes no room."""
        self.successResultOf(self.disks.form([self.overlay(self.raw("r"), 5 * MEGABYTE)]))
        self.assertEqual(5 * MEGABYTE, self.info()["virtual-size"])
        self.successResultOf(self.disks.form([self.blank(1 << 33)]))
        found = os.stat(self.path("b.raw"))
        self.assertEqual((1 << 33, 0), (found.st_size, found.st_blocks))

    def test_private(self) -> None:
        """Disks are for the daemon's user, and for whom the hypervisor hands them to."""
        cdrom = Disk(path=self.path("s.iso"), kind="raw", device="hdd", cdrom=True)
        seed = Forming(disk=cdrom, seed=Seed(label="cidata", files=(("user-data", b"secret"),)))
        self.successResultOf(self.disks.form([self.overlay(self.raw("r")), self.blank(512), seed]))
        for name in ("root.qcow2", "b.raw", "s.iso"):
            self.assertEqual(0o600, stat.S_IMODE(os.stat(self.path(name)).st_mode))

    def test_hostile_images(self) -> None:
        """An image that leads to files of the host is refused before qemu has seen it."""
        passwd = ("-b", "/etc/passwd", "-F", "raw")
        data = ("-o", f"data_file={self.path('d')},data_file_raw=on")
        for hostile, words in [
            (self.qcow2("h1", *passwd), "backing file"),
            (self.qcow2("h2", *data), "data file"),
            (self.raw("h3", b"QFI\xfb\0\0\0\x09"), "version 9"),
        ]:
            text = self.refused(self.overlay(hostile))
            self.assertIn(hostile, text)
            self.assertIn(words, text)
        self.assertEqual([], self.commands)

    def test_existing(self) -> None:
        """A disk that is there is left as it is: it may hold a machine's work."""
        with open(self.path("b.raw"), "wb") as file:
            file.write(b"work")
        self.successResultOf(self.disks.form([self.blank(512)]))
        self.assertEqual(4, os.stat(self.path("b.raw")).st_size)

    def test_room(self) -> None:
        """Without room for a beginning nothing is formed, and the text says how much is needed."""
        disks = QemuDisks(in_place, run=self.run_and_note, headroom_bytes=1 << 61)
        text = self.refused(self.blank(1 << 62), disks=disks)
        self.assertIn(f"{1 << 61} bytes must be free for a disk of {1 << 62} bytes", text)
        self.assertIn("make room", text)
        self.successResultOf(disks.form([self.blank(512)]))

    def test_senseless(self) -> None:
        """What cannot be a disk is refused."""
        raw = Disk(path=self.path("x"), kind="raw", device="vda")
        relative = Disk(path="x", kind="qcow2", device="vda")
        for forming in (
            Forming(disk=raw, backing=self.raw("r")),
            Forming(disk=relative, backing=self.raw("r")),
            self.overlay("r"),
            self.blank(0),
            self.blank(-1),
            Forming(disk=Disk(path=self.path("x"), kind="qcow2", device="vda"), size=5),
        ):
            self.refused(forming)
        self.assertEqual([], self.commands)

    def test_no_program(self) -> None:
        """Where qemu-img is missing, the packages that have it are named."""
        disks = QemuDisks(in_place, qemu_img=self.path("none"))
        self.assertIn("install qemu-utils", self.refused(self.overlay(self.raw("r")), disks=disks))

    def test_failing_program(self) -> None:
        """What qemu-img says is told in one printable line, and nothing is left."""

        def fail(command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[bytes]:
            with open(command[-1], "wb") as file:
                file.write(b"half")
            return subprocess.CompletedProcess(command, 1, b"", b"no\n\x1b[31m \xff luck\n" * 99)

        text = self.refused(self.overlay(self.raw("r")), disks=QemuDisks(in_place, run=fail))
        self.assertIn("qemu-img failed: ", text)
        self.assertTrue(text.isprintable())
        self.assertLess(len(text), 1000)

    def test_hanging_program(self) -> None:
        """A run that does not end is given up, and nothing is left."""

        def hang(command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[bytes]:
            with open(command[-1], "wb") as file:
                file.write(b"half")
            raise subprocess.TimeoutExpired(command, seconds)

        disks = QemuDisks(in_place, run=hang, seconds=7.0)
        self.assertIn("within 7 s", self.refused(self.overlay(self.raw("r")), disks=disks))

    def test_hanging_thread(self) -> None:
        """A thread that hangs is a DiskError too."""

        async def hangs(work: object, deadline: float | None = None) -> None:
            raise CallTimedOut("form: no answer within 9 s")

        disks = QemuDisks(hangs)  # type: ignore[arg-type]
        self.assertIn("within 9 s", self.refused(self.blank(512), disks=disks))

    def test_no_directory(self) -> None:
        """A directory that is not there is named."""
        disk = Disk(path=self.path("gone/x"), kind="raw", device="vda")
        self.assertIn("gone", self.refused(Forming(disk=disk, size=512)))

    def test_remove_all(self) -> None:
        """One path that cannot be removed does not keep the others."""
        os.mkdir(self.path("directory"))
        self.successResultOf(self.disks.form([self.blank(512)]))
        removing = self.disks.remove([self.path("directory"), self.path("b.raw")])
        self.assertIn("directory", str(self.failureResultOf(removing, DiskError).value))
        self.assertEqual(["directory"], os.listdir(self.root))

    def test_run_program(self) -> None:
        """A program gets its arguments as they are, no input, and little environment."""
        words = "$(id); 'x'"
        answer = run_program(["/bin/sh", "-c", 'printf %s "$1"; cat; env', "sh", words], 10)
        self.assertEqual(words.encode(), answer.stdout[: len(words)])
        names = {line.split(b"=")[0] for line in answer.stdout[len(words) :].split()}
        self.assertLessEqual(names, {b"PATH", b"LC_ALL", b"PWD", b"OLDPWD", b"SHLVL", b"_"})
