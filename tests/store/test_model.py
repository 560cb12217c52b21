"""The store on disk and the one in memory are one and the same to whoever uses them."""

from __future__ import annotations

import io
from collections.abc import Awaitable
from typing import Any, Callable

from attrs import evolve
from hypothesis import given, settings
from hypothesis.strategies import binary, builds, integers, just, lists, one_of, sampled_from
from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.store import DAY, NOW, QUOTA, SPACE, record
from tests.inplace import in_place
from vcycle.core.errors import StoreError
from vcycle.core.machine import Record
from vcycle.interfaces import IMachineStore
from vcycle.store.machines import MachineStore
from vcycle.testing.store import Disk, MemoryStore

Act = Callable[[IMachineStore], Awaitable[Any]]

machines = builds(
    lambda number, twin, ended, days: record(
        number,
        uuid=f"8f3d4d40-013d-422a-b550-{number + 10 * twin:012x}",
        ended_at=ended and NOW + 60 * ended,
        keep_days=float(days),
    ),
    integers(0, 2),
    integers(0, 1),
    sampled_from([None, None, 1, 2]),
    integers(0, 2),
)
names = sampled_from(["vm-heartbeat", "shutdown_message", "a", "b", "c", ".x", "x/y"])


def save(records: list[Record]) -> Act:
    return lambda store: store.save(records)


def put(machine: Record, name: str, body: bytes, later: int) -> Act:
    return lambda store: store.put(machine, name, io.BytesIO(body), NOW + later)


def write(machine: Record, name: str, body: bytes) -> Act:
    return lambda store: store.write(machine, {name: body})


def prune(days: int) -> Act:
    return lambda store: store.prune(NOW + 200 + days * DAY)


acts = one_of(
    builds(save, lists(machines, min_size=1, max_size=2, unique_by=lambda r: r.directory)),
    builds(put, machines, names, one_of(binary(max_size=20), just(b"x" * 1000)), integers(0, 99)),
    builds(write, machines, sampled_from(["user_data", ".x"]), binary(max_size=9)),
    builds(prune, integers(0, 3)),
    just(None),
)


class ModelTests(SynchronousTestCase):
    @given(lists(acts, max_size=12))
    @settings(max_examples=60, deadline=None)
    def test_agree(self, life: list[Act | None]) -> None:
        """Whatever is done to both, with new daemons in between, both answer the same."""
        directory, disk = self.mktemp(), Disk()

        def new() -> tuple[IMachineStore, IMachineStore]:
            stores = (
                MachineStore(directory, SPACE, in_place, QUOTA),
                MemoryStore(SPACE, disk, QUOTA),
            )
            self.agree(stores, lambda store: store.open())
            return stores

        stores = new()
        for act in life:
            if act is None:
                stores = new()
            else:
                self.agree(stores, act)
            for number in range(3):
                self.agree(stores, lambda s, n=number: s.read(record(n), "user_data"))  # type: ignore[misc]
        new()

    def agree(self, stores: tuple[IMachineStore, IMachineStore], act: Act) -> None:
        on_disk, in_memory = (self.successResultOf(answer(act, store)) for store in stores)
        self.assertEqual(on_disk, in_memory)


async def answer(act: Act, store: IMachineStore) -> object:
    try:
        got = await act(store)
    except StoreError:
        return "refused"
    if hasattr(got, "records"):
        return evolve(got, records=frozenset(got.records))
    return got
