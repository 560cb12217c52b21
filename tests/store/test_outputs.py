"""Tests for vcycle.store.outputs."""

from __future__ import annotations

import errno
import io
import os

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.store import NOW, QUOTA, record
from vcycle.core.errors import StoreError
from vcycle.store.atomic import quietly
from vcycle.store.outputs import CHUNK, Outputs


class Endless(io.RawIOBase):
    """A body that never ends."""

    given = 0

    def read(self, size: int = -1) -> bytes:
        self.given += size
        return b"x" * size


class OutputsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = os.path.abspath(self.mktemp())
        os.mkdir(self.directory)
        self.steps: list[str] = []
        self.outputs = Outputs(QUOTA, lambda what, path: self.steps.append(what))

    def put(self, name: str, body: bytes = b"x") -> None:
        self.outputs.put(self.directory, record(), name, io.BytesIO(body), NOW)

    def listed(self) -> list[str]:
        return sorted(os.listdir(f"{self.directory}/joboutputs"))

    def test_endless_body(self) -> None:
        """A body is read no further than the quota, and nothing of it is left."""
        body = Endless()
        with self.assertRaises(StoreError):
            self.outputs.put(self.directory, record(), "log", body, NOW)  # type: ignore[arg-type]
        self.assertLessEqual(body.given, QUOTA.file_bytes + CHUNK)
        self.assertEqual([], self.listed())

    def test_reserve(self) -> None:
        """What machines leave never takes the room that records need."""
        outputs = Outputs(evolve(QUOTA, reserve_bytes=1 << 62), quietly)
        with self.assertRaises(StoreError) as caught:
            outputs.put(self.directory, record(), "log", io.BytesIO(b"x"), NOW)
        self.assertIn("make room", str(caught.exception))
        self.assertEqual([], self.listed())

    def test_links(self) -> None:
        """No link is followed, neither as the output nor as their directory."""
        outside = f"{self.directory}/outside"
        os.mkdir(outside)
        os.symlink(outside, f"{self.directory}/joboutputs")
        with self.assertRaises(StoreError):
            self.put("log")
        self.assertEqual([], os.listdir(outside))
        os.unlink(f"{self.directory}/joboutputs")
        os.mkdir(f"{self.directory}/joboutputs")
        os.symlink(f"{outside}/file", f"{self.directory}/joboutputs/log")
        self.put("log")
        self.assertEqual([], os.listdir(outside))
        self.assertFalse(os.path.islink(f"{self.directory}/joboutputs/log"))

    def test_directory_in_the_way(self) -> None:
        """A directory of an output's name is an error, and stays."""
        os.makedirs(f"{self.directory}/joboutputs/log/x")
        with self.assertRaises(StoreError):
            self.put("log")
        self.assertEqual(["log"], self.listed())

    def test_failing_disk(self) -> None:
        """Whichever step fails, the former output stays whole and no leftovers stay."""
        self.put("shutdown_message", b"200 old")
        for failing in range(1, 10):
            count = 0

            def step(what: str, path: str, failing: int = failing) -> None:
                nonlocal count
                count += 1
                if count == failing:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))

            try:
                Outputs(QUOTA, step).put(
                    self.directory, record(), "shutdown_message", io.BytesIO(b"200 new"), NOW
                )
            except StoreError:
                with open(f"{self.directory}/joboutputs/shutdown_message") as file:
                    self.assertIn(file.read(), ("200 old", "200 new"))
                self.assertEqual(["shutdown_message"], self.listed())
            else:
                self.assertGreater(failing, 3)
                return
        self.fail("it never came to an end")

    def test_heartbeats_are_cheap(self) -> None:
        """A heartbeat is not forced to the disk, every other output is."""
        self.put("log")
        self.assertIn("sync", self.steps)
        self.steps.clear()
        self.put("vm-heartbeat")
        self.assertNotIn("sync", self.steps)

    def test_two_at_once(self) -> None:
        """Two outputs that arrive together do not share one place in the quota."""
        for name in ("a", "b", "c"):
            self.put(name)

        class Sly(io.BytesIO):
            def read(inner, size: int | None = -1) -> bytes:  # noqa: N805
                if not os.path.exists(f"{self.directory}/joboutputs/d"):
                    self.put("d")
                return super().read(size)

        with self.assertRaises(StoreError) as caught:
            self.outputs.put(self.directory, record(), "e", Sly(b"x"), NOW)
        self.assertIn("quota of 4", str(caught.exception))
        self.assertEqual(["a", "b", "c", "d"], self.listed())
