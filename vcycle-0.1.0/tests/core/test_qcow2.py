"""Tests for vcycle.core.qcow2."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis.strategies import binary
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.qcow2 import HEADER_BYTES, virtual_size


def header(version: int = 3, backing: int = 0, size: int = 1 << 20, features: int = 0) -> bytes:
    start = struct.pack(">4sIQIIQ", b"QFI\xfb", version, backing, 0, 16, size)
    return (start.ljust(72, b"\0") + struct.pack(">Q", features)).ljust(HEADER_BYTES, b"\0")


class Qcow2Tests(SynchronousTestCase):
    def test_formats(self) -> None:
        """A qcow2 image has its size in its header; all else is raw."""
        self.assertEqual(1 << 20, virtual_size(header()))
        self.assertEqual(5, virtual_size(header(version=2, size=5)))
        for other in (b"", b"QFI", b"\0" * 512, b"KDMV", b"<<< Oracle VM"):
            self.assertIsNone(virtual_size(other))

    def test_leading_elsewhere(self) -> None:
        """An image that leads to other files of the host is refused with the cure."""
        for hostile, words in [
            (header(backing=0x210), "backing file"),
            (header(version=2, backing=72), "backing file"),
            (header(features=4), "data file"),
            (header(features=4 | 1), "data file"),
            (header(version=1), "version 1"),
            (header(version=4), "version 4"),
            (header()[:50], "cut short"),
        ]:
            with self.assertRaises(ValueError) as caught:
                virtual_size(hostile)
            self.assertIn(words, str(caught.exception))

    def test_old_version(self) -> None:
        """What version 3 calls features is something else in version 2."""
        self.assertEqual(1 << 20, virtual_size(header(version=2, features=4)))

    @given(binary(max_size=2 * HEADER_BYTES))
    def test_any_bytes(self, content: bytes) -> None:
        """Any first bytes are raw, or those of a whole qcow2 image, or refused."""
        for start in (content, header()[:4] + content):
            try:
                size = virtual_size(start)
            except ValueError:
                continue
            self.assertTrue(size is None or 0 <= size < 1 << 64)
