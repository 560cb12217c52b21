"""Tests for vcycle.testing.store: the faults that stories inject."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.store import NOW, SPACE, record
from vcycle.core.errors import StoreError
from vcycle.testing.store import Disk, Killed, MemoryStore


class FaultTests(SynchronousTestCase):
    def test_steps(self) -> None:
        """The hook is called before and after each durable write, and counts on."""
        seen: list[tuple[int, str, int]] = []
        disk = Disk()

        def hook(step: int, what: str) -> None:
            seen.append((step, what, len(disk.records)))

        store = MemoryStore(SPACE, disk, on_write=hook)
        self.successResultOf(store.save([record(0), record(1)]))
        self.assertEqual([(1, "save", 0), (2, "save", 1), (3, "save", 1), (4, "save", 2)], seen)

    def test_dead(self) -> None:
        """Once killed, a store does nothing any more; what was durable is there for the next."""
        for kill_at, kept in ((1, 0), (2, 1), (3, 1), (4, 2)):
            disk = Disk()

            def hook(step: int, what: str, kill_at: int = kill_at) -> None:
                if step == kill_at:
                    raise Killed

            store = MemoryStore(SPACE, disk, on_write=hook)
            for _ in range(2):
                with self.assertRaises(Killed):
                    store.save([record(0), record(1)]).send(None)
            with self.assertRaises(Killed):
                store.open().send(None)
            contents = self.successResultOf(MemoryStore(SPACE, disk).open())
            self.assertEqual(kept, len(contents.records))

    def test_full(self) -> None:
        """A full disk refuses what is new, and lets go of what is old."""
        disk = Disk()
        store = MemoryStore(SPACE, disk)
        self.successResultOf(store.save([record(0, ended_at=NOW)]))
        disk.full = True
        for answer in (
            store.save([record(1)]),
            store.remember({}),
            store.beat("factory", NOW),
            store.count("0 0 0 0 0.00"),
            store.write(record(0), {"user_data": b""}),
        ):
            self.assertIn("full", str(self.failureResultOf(answer, StoreError).value))
        self.assertEqual(1, len(self.successResultOf(store.prune(NOW * 2))))
        disk.full = False
        self.successResultOf(store.save([record(1)]))

    def test_failing_once(self) -> None:
        """A StoreError from the hook is a disk that fails and then works again."""
        failures = [StoreError("the disk does not work")]

        def hook(step: int, what: str) -> None:
            if failures:
                raise failures.pop()

        store = MemoryStore(SPACE, on_write=hook)
        self.failureResultOf(store.save([record(0)]), StoreError)
        self.successResultOf(store.save([record(0)]))
