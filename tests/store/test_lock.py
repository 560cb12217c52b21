"""Tests for vcycle.store.lock."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from hypothesis import given
from hypothesis.strategies import binary
from twisted.trial.unittest import SynchronousTestCase

from tests.inplace import in_place
from vcycle.core.errors import NotOurs
from vcycle.store.lock import Holder, Processes, StateLock, read_holder

NOW = 1700000000.0
CHILD = """
import sys
from tests.inplace import in_place
from vcycle.store.lock import StateLock
try:
    StateLock(sys.argv[1], in_place).acquire(1700000000.0).send(None)
except StopIteration:
    print("taken", flush=True)
sys.stdin.read()
"""


class LockTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.state_dir = os.path.abspath(self.mktemp())
        self.path = os.path.join(self.state_dir, "lock")

    def lock(self, processes: Processes | None = None) -> StateLock:
        return StateLock(self.state_dir, in_place, processes or Processes())

    def refused(self, lock: StateLock) -> str:
        return str(self.failureResultOf(lock.acquire(NOW + 60), NotOurs).value)

    def plant(self, text: str) -> None:
        os.makedirs(self.state_dir, exist_ok=True)
        with open(self.path, "w") as file:
            file.write(text)

    def test_one_at_a_time(self) -> None:
        """The second is refused, told of the first and of the cure, until the first lets go."""
        first, second = self.lock(), self.lock()
        self.successResultOf(first.acquire(NOW))
        text = self.refused(second)
        self.assertIn(f"pid {os.getpid()} since 2023-11-14T22:13:20Z", text)
        self.assertIn("set another state_dir", text)
        self.successResultOf(first.release())
        self.successResultOf(second.acquire(NOW + 60))
        self.successResultOf(first.release())
        self.refused(first)
        self.successResultOf(second.release())

    def test_signed(self) -> None:
        """The file names the process by pid, start and boot, and since when it holds."""
        lock = self.lock()
        self.successResultOf(lock.acquire(NOW))
        holder = read_holder(self.path)
        assert holder is not None
        self.assertEqual((os.getpid(), NOW), (holder.pid, holder.since))
        self.assertTrue(Processes().alive(holder))
        self.successResultOf(lock.release())

    def test_killed(self) -> None:
        """A daemon that lives elsewhere keeps the lock, and kill -9 frees it at once."""
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, self.state_dir],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with child:
            assert child.stdout is not None
            self.assertEqual(b"taken\n", child.stdout.readline())
            self.assertIn(f"pid {child.pid} ", self.refused(self.lock()))
            child.kill()
            child.wait()
        lock = self.lock()
        self.successResultOf(lock.acquire(NOW))
        self.successResultOf(lock.release())

    def test_replaced_file(self) -> None:
        """Without the kernel's help, the process that is named and still lives keeps the lock."""
        processes = self.processes({77: 4000})
        self.plant(self.signed(77, 4000))
        self.assertIn("pid 77 ", self.refused(self.lock(processes)))

    def test_pid_used_again(self) -> None:
        """Each row: a pid, start and boot in the file that are no living daemon's."""
        processes = self.processes({77: 4000})
        for pid, start, boot in [(77, 3999, "b-1"), (78, 4000, "b-1"), (77, 4000, "b-0")]:
            self.plant(self.signed(pid, start, boot))
            lock = self.lock(processes)
            self.successResultOf(lock.acquire(NOW))
            self.successResultOf(lock.release())

    def test_garbage(self) -> None:
        """What is written in the file decides nothing if it makes no sense."""
        for text in ("", "12", "[]", "{}", "null", "[" * 4000, '{"pid": -1}', "\u00e9"):
            self.plant(text)
            lock = self.lock()
            self.successResultOf(lock.acquire(NOW))
            self.assertEqual(os.getpid(), getattr(read_holder(self.path), "pid", None))
            self.plant(text)
            self.assertIn("has not said which", self.refused(self.lock()))
            self.successResultOf(lock.release())

    @given(binary(max_size=200))
    def test_any_bytes(self, content: bytes) -> None:
        """Whatever a lock file holds, reading it gives a holder or None."""
        os.makedirs(self.state_dir, exist_ok=True)
        with open(self.path, "wb") as file:
            file.write(content)
        self.assertIsInstance(read_holder(self.path), (Holder, type(None)))

    def processes(self, starts: dict[int, int]) -> Processes:
        """A /proc of our own."""
        root = os.path.abspath(self.mktemp())
        os.makedirs(f"{root}/sys/kernel/random")
        with open(f"{root}/sys/kernel/random/boot_id", "w") as file:
            file.write("b-1\n")
        for pid, start in starts.items():
            os.mkdir(f"{root}/{pid}")
            with open(f"{root}/{pid}/stat", "w") as file:
                file.write(f"{pid} (a) b) c) S " + "0 " * 18 + f"{start} 0 0\n")
        return Processes(root)

    def signed(self, pid: int, start: int, boot: str = "b-1") -> str:
        return json.dumps({"pid": pid, "start": start, "boot": boot, "since": NOW})
