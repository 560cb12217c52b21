"""The guest's builder: archive, kernel, modules, and where packages come from."""

from __future__ import annotations

import gzip
import lzma
import os
import struct
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from demo.guest.archive import Initramfs
from demo.guest.errors import GuestError
from demo.guest.kernel import starts_directly, vmlinux
from demo.guest.modules import dependencies, in_load_order
from demo.guest.packages import EnterpriseLinux


def entries(archive: bytes) -> list[tuple[str, int, bytes]]:
    """Read cpio "newc" by its definition: name, mode and content of each entry."""
    found: list[tuple[str, int, bytes]] = []
    at = 0
    while True:
        if archive[at : at + 6] != b"070701":
            raise AssertionError(f"no entry at {at}")
        numbers = [int(archive[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        mode, size, name_size = numbers[1], numbers[6], numbers[11]
        name = archive[at + 110 : at + 110 + name_size - 1].decode()
        body = (at + 110 + name_size + 3) // 4 * 4
        at = (body + size + 3) // 4 * 4
        if name == "TRAILER!!!":
            if at != len(archive):
                raise AssertionError("something follows the trailer")
            return found
        found.append((name, mode, archive[body : body + size]))


class Archive(SynchronousTestCase):
    """The initramfs."""

    @given(st.lists(st.tuples(st.text("abc/", min_size=1, max_size=9), st.binary(max_size=9))))
    def test_reads_back(self, files: list[tuple[str, bytes]]) -> None:
        """Whatever the lengths of names and contents, all is found again, in order."""
        tree = Initramfs()
        for name, content in files:
            tree.file(name, content, 0o755)
        expected = [(name, 0o100755, content) for name, content in files]
        self.assertEqual(entries(tree.archive()), expected)

    def test_kinds(self) -> None:
        """Directories, links and devices have the modes that the kernel expects."""
        tree = Initramfs()
        tree.directory("bin")
        tree.symlink("bin/sh", "busybox")
        tree.device("dev/null", 1, 3)
        self.assertEqual(
            entries(tree.archive()),
            [
                ("bin", 0o040755, b""),
                ("bin/sh", 0o120777, b"busybox"),
                ("dev/null", 0o020600, b""),
            ],
        )


def elf(notes: bytes = b"") -> bytes:
    """A minimal ELF file with one segment of notes."""
    head = bytearray(64)
    head[:4] = b"\x7fELF"
    struct.pack_into("<Q", head, 32, 64)
    struct.pack_into("<HH", head, 54, 56, 1)
    segment = struct.pack("<IIQQQQQQ", 4, 0, 120, 0, 0, len(notes), 0, 0)
    return bytes(head) + segment + notes


def image(packed: bytes) -> bytes:
    """A bzImage with a packed kernel after one sector of setup."""
    head = bytearray(1024)
    head[0x1F1] = 1
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<II", head, 0x248, 0, len(packed))
    return bytes(head) + packed


def note(kind: int) -> bytes:
    """A note of Xen's with a value of four bytes."""
    return struct.pack("<III", 4, 4, kind) + b"Xen\0" + b"\1\2\3\4"


class Kernel(SynchronousTestCase):
    """Unpacking kernels."""

    def test_packings(self) -> None:
        """A kernel comes out as it went in, whichever way the distribution packs it."""
        kernel = elf() + bytes(1000)
        size = struct.pack("<I", len(kernel))
        self.assertEqual(vmlinux(image(lzma.compress(kernel) + size)), kernel)
        self.assertEqual(vmlinux(image(gzip.compress(kernel))), kernel)

    def test_refused(self) -> None:
        """What is no kernel, is cut short, or is packed in a new way, is refused with a reason."""
        kernel = elf() + bytes(1000)
        wrong_size = struct.pack("<I", 7)
        for data, said in (
            (bytes(2000), "no HdrS mark"),
            (image(lzma.compress(kernel) + wrong_size), "not the kernel it announces"),
            (image(b"BZh9" + kernel), "unknown way"),
        ):
            error = self.assertRaises(GuestError, vmlinux, data)
            self.assertIn(said, str(error))

    def test_direct_start(self) -> None:
        """A kernel starts directly if one of its notes is the PVH entry point."""
        self.assertTrue(starts_directly(elf(note(5) + note(18))))
        self.assertFalse(starts_directly(elf(note(5))))
        self.assertFalse(starts_directly(elf()))


class Modules(SynchronousTestCase):
    """The order of loading."""

    def setUp(self) -> None:
        self.root = Path(self.mktemp())
        self.root.mkdir()

    def module(self, name: str, needs: str, suffix: str = ".ko") -> tuple[str, Path]:
        """A module file with the names it needs."""
        content = b"\0license=GPL\0depends=" + needs.encode() + b"\0"
        path = self.root / (name + suffix)
        path.write_bytes(lzma.compress(content) if suffix.endswith(".xz") else content)
        return name, path

    def test_after_what_it_needs(self) -> None:
        """Each is loaded once and after all it needs; names with dashes are the same names."""
        files = dict(
            [
                self.module("virtio_net", "net-failover,virtio"),
                self.module("net_failover", "failover", ".ko.xz"),
                self.module("failover", ""),
                self.module("virtio", ""),
            ]
        )
        order = [each.name for each in in_load_order(["virtio_net", "virtio"], files)]
        self.assertEqual(order, ["failover", "net_failover", "virtio", "virtio_net"])

    def test_built_in(self) -> None:
        """What has no file is built into the kernel."""
        self.assertEqual(in_load_order(["ext4"], {}), ())

    def test_soft_dependencies(self) -> None:
        """What is asked to be loaded before is counted as needed."""
        content = b"\0softdep=pre: crc32c crypto-x\0depends=\0"
        self.assertEqual(dependencies(content), ("crc32c", "crypto_x"))


class Fetching(SynchronousTestCase):
    """Packages of Enterprise Linux, from a dnf that records what it is asked for."""

    def setUp(self) -> None:
        self.place = Path(self.mktemp()).absolute()
        (self.place / "bin").mkdir(parents=True)
        self.into = self.place / "packages"
        self.into.mkdir()
        path = os.environ["PATH"]
        os.environ["PATH"] = f"{self.place}/bin:{path}"
        self.addCleanup(os.environ.__setitem__, "PATH", path)

    def dnf(self, body: str) -> None:
        """Put a dnf there that does ``body``."""
        stub = self.place / "bin/dnf"
        stub.write_text(f'#!/bin/sh\necho "$*" >> "{self.place}/calls"\n{body}\n')
        stub.chmod(0o755)

    def test_download(self) -> None:
        """Kernel and busybox are downloaded into the directory given, and then kept."""
        self.dnf(
            f"cd {self.into} && touch kernel-core-5.14.0-427.el9.x86_64.rpm"
            " kernel-modules-core-5.14.0-427.el9.x86_64.rpm busybox-1.35.0-3.el9.x86_64.rpm"
        )
        names = [path.name for path in EnterpriseLinux().fetch(self.into)]
        self.assertEqual([name.split(".")[0] for name in names][0], "kernel-core-5")
        EnterpriseLinux().fetch(self.into)
        self.assertEqual(
            (self.place / "calls").read_text().splitlines(),
            [
                f"-q download --arch x86_64 --destdir {self.into}"
                " kernel-core kernel-modules-core busybox"
            ],
        )

    def test_absent(self) -> None:
        """What dnf did not bring is named, with the likely cure."""
        self.dnf("exit 0")
        error = self.assertRaises(GuestError, EnterpriseLinux().fetch, self.into)
        self.assertIn("busybox", str(error))
        self.assertIn("EPEL", str(error))

    def test_refused(self) -> None:
        """What dnf says when it fails is passed on."""
        self.dnf("echo 'Unable to find a match' >&2; exit 1")
        error = self.assertRaises(GuestError, EnterpriseLinux().fetch, self.into)
        self.assertIn("Unable to find a match", str(error))
