"""Whenever a daemon is killed, its successor finds each thing as it was before or after."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from contextlib import suppress
from typing import TYPE_CHECKING, Callable

from attrs import evolve

from tests.contracts.store import DAY, NOW, record
from vcycle.core.machine import Outcome
from vcycle.interfaces import IMachineStore
from vcycle.testing.store import Killed

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase as Base
else:
    Base = ABC

A, B, C = record(0), record(1), record(2)
A2, B2 = evolve(A, started_at=NOW + 9), evolve(B, cpu_seconds=4.0)
ENDED = evolve(A2, ended_at=NOW + 80, outcome=Outcome.COMPLETED, message="200 done")

LIFE: list[Callable[[IMachineStore], Awaitable[object]]] = [
    lambda store: store.save([A, B]),
    lambda store: store.write(A, {"user_data": b"one"}),
    lambda store: store.put(A, "vm-heartbeat", io.BytesIO(b""), NOW + 10),
    lambda store: store.save([A2, B2]),
    lambda store: store.remember({"example-vm": 1}),
    lambda store: store.write(A, {"user_data": b"two"}),
    lambda store: store.put(A, "vm-heartbeat", io.BytesIO(b""), NOW + 70),
    lambda store: store.put(A, "shutdown_message", io.BytesIO(b"200 done"), NOW + 75),
    lambda store: store.save([ENDED]),
    lambda store: store.remember({"example-vm": 2}),
    lambda store: store.save([C]),
    lambda store: store.prune(NOW + 80 + 3 * DAY),
]


class CrashContract(Base):
    """Mix into a SynchronousTestCase with ``new_disk`` and ``store_on``."""

    @abstractmethod
    def new_disk(self) -> object:
        """A disk on which no store was ever opened."""

    @abstractmethod
    def store_on(self, disk: object, step: Callable[[], None]) -> IMachineStore:
        """A store that calls ``step`` before each change of the disk."""

    def live(self, disk: object, acts: int, step: Callable[[], None]) -> int:
        """Open a store and do the first acts of LIFE; how many were done before the kill."""
        store, done = self.store_on(disk, step), 0

        async def life() -> None:
            nonlocal done
            await store.open()
            for act in LIFE[:acts]:
                await act(store)
                done += 1

        # Killed is no Exception, so it comes straight out of the coroutine.
        with suppress(StopIteration, Killed):
            life().send(None)
        return done

    def found(self, disk: object) -> dict[str, object]:
        """All that a new daemon finds, thing by thing."""
        store = self.store_on(disk, lambda: None)
        found: dict[str, object] = {}

        async def look() -> None:
            contents = await store.open()
            self.assertEqual((), contents.damaged)
            for number, machine in enumerate((A, B, C)):
                records = [r for r in contents.records if r.uuid == machine.uuid]
                traces = contents.traces.get(machine.uuid)
                found[f"record {number}"] = records
                found[f"heartbeat {number}"] = traces and traces.heartbeat_at
                found[f"message {number}"] = traces and traces.message
                found[f"user_data {number}"] = await store.read(machine, "user_data")
            found["history"] = await store.history()

        self.successResultOf(look())
        return found

    def test_killed_anywhere(self) -> None:
        """At every step: what was done is there, and of what was being done all or nothing."""
        worlds = []
        for acts in range(len(LIFE) + 1):
            disk = self.new_disk()
            self.assertEqual(acts, self.live(disk, acts, lambda: None))
            worlds.append(self.found(disk))
        kill_at = done = 0
        while done < len(LIFE):
            kill_at += 1
            disk = self.new_disk()
            done = self.live(disk, len(LIFE), killer(kill_at))
            before, after = worlds[done], worlds[min(done + 1, len(LIFE))]
            for thing, value in self.found(disk).items():
                self.assertIn(value, (before[thing], after[thing]), (kill_at, done, thing))
        self.assertGreater(kill_at, len(LIFE))

    def test_killed_again_and_again(self) -> None:
        """However often the daemon is killed and started, its life goes on in the end."""
        disk, done, tries = self.new_disk(), 0, 0
        while done < len(LIFE):
            tries += 1
            done = self.live(disk, len(LIFE), killer(tries))
            if done < len(LIFE):
                self.found(disk)
        last = self.found(disk)
        self.assertEqual([[], [B2], [C]], [last[f"record {n}"] for n in range(3)])
        self.assertEqual({"example-vm": 2}, last["history"])


def killer(at: int) -> Callable[[], None]:
    """Kills at one step, and at all that come after it: nothing is done by the dead."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        if count >= at:
            raise Killed

    return step
