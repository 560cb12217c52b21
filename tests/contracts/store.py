"""The promises of IMachineStore, to be run against every store."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from attrs import evolve
from zope.interface.verify import verifyObject

from vcycle.core.errors import StoreError
from vcycle.core.machine import Doom, Limits, Model, Outcome, Record, Traces
from vcycle.core.quota import Quota
from vcycle.interfaces import Contents, IMachineStore

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase as Base
else:
    Base = ABC

SPACE = "vac01.example.com"
QUOTA = Quota(file_bytes=1000, machine_bytes=2500, files=4, reserve_bytes=0)
NOW = 1700000000.0
DAY = 86400.0


def record(number: int = 0, **values: Any) -> Record:
    """A machine of its own for each number."""
    usual: dict[str, Any] = {
        "uuid": f"8f3d4d40-013d-422a-b550-{number:012x}",
        "name": f"factory1-{number:02}.example.com",
        "slot": number,
        "space": SPACE,
        "factory": "factory1.example.com",
        "machinetype": "example-vm",
        "model": Model.VM_RAW,
        "processors": 1,
        "memory_mb": 2048,
        "limits": Limits(
            fizzle_seconds=600, max_wallclock_seconds=86400, heartbeat_file="vm-heartbeat"
        ),
        "secret": "only-ours",
        "born": int(NOW),
        "requested_at": NOW + 0.25,
        "shutdown_time": NOW + DAY,
    }
    return Record(**{**usual, **values})


class StoreContract(Base):
    """
    Mix into a SynchronousTestCase with ``new_store``: a store on what former ones kept.

    It must have the quota QUOTA and the space SPACE; ``setUp`` here opens the first.
    """

    store: IMachineStore

    @abstractmethod
    def new_store(self) -> IMachineStore:
        """A store on what former ones kept."""

    def setUp(self) -> None:
        self.store = self.new_store()
        self.contents = self.opened()

    def now(self, answer: object) -> Any:
        """What an Awaitable that waits for nothing gives."""
        assert isinstance(answer, Coroutine)
        return self.successResultOf(answer)

    def refused(self, answer: object) -> str:
        """The text of the StoreError that an Awaitable ends in."""
        assert isinstance(answer, Coroutine)
        return str(self.failureResultOf(answer, StoreError).value)

    def opened(self) -> Contents:
        contents: Contents = self.now(self.store.open())
        return contents

    def again(self) -> Contents:
        """What a new daemon finds."""
        self.store = self.new_store()
        return self.opened()

    def put(self, machine: Record, name: str, body: bytes, now: float = NOW) -> Traces:
        traces: Traces = self.now(self.store.put(machine, name, io.BytesIO(body), now))
        return traces

    def test_interface(self) -> None:
        """It declares and provides the whole interface."""
        self.assertTrue(verifyObject(IMachineStore, self.store))

    def test_empty(self) -> None:
        """A new store holds nothing, and nothing is damaged."""
        self.assertEqual(Contents(records=(), traces={}, damaged=()), self.contents)
        self.assertEqual({}, self.now(self.store.history()))
        self.assertEqual((), tuple(self.now(self.store.prune(NOW))))

    def test_records_survive(self) -> None:
        """What was saved last is what a new daemon finds, whole."""
        first, second = record(0), record(1)
        self.now(self.store.save([first, second]))
        changed = evolve(
            first,
            started_at=NOW + 5,
            cpu_seconds=2.5,
            doom=Doom(outcome=Outcome.PAUSED, text="it is paused", since=NOW + 60),
        )
        self.now(self.store.save([changed]))
        contents = self.again()
        self.assertEqual({changed, second}, set(contents.records))
        self.assertEqual({first.uuid: Traces(), second.uuid: Traces()}, contents.traces)
        self.assertEqual((), contents.damaged)
        self.now(self.store.save([evolve(changed, seen_at=NOW + 70)]))
        self.assertEqual({NOW + 70, None}, {r.seen_at for r in self.again().records})

    def test_save_nothing(self) -> None:
        """Saving no records is no error."""
        self.now(self.store.save([]))
        self.assertEqual((), self.again().records)

    def test_clock_steps(self) -> None:
        """A record whose times were moved is still the same machine's."""
        self.now(self.store.save([record()]))
        moved = evolve(record(), requested_at=NOW - 7200, clock=1)
        self.now(self.store.save([moved]))
        self.assertEqual((moved,), self.again().records)

    def test_directory_taken(self) -> None:
        """A second machine of the same name, machinetype and second is refused."""
        self.now(self.store.save([record()]))
        other = record(uuid="0b6f1c52-6a0f-4f0e-9d0e-2f6f0b1f9c11")
        for _ in range(2):
            self.assertIn(record().uuid, self.refused(self.store.save([other])))
            self.assertEqual((record(),), self.again().records)

    def test_ended(self) -> None:
        """An ended machine is kept, but not given to the next daemon."""
        self.now(self.store.save([record(0), record(1)]))
        ended = evolve(record(0), ended_at=NOW + 60, outcome=Outcome.COMPLETED)
        self.now(self.store.save([ended]))
        self.assertEqual((record(1),), self.again().records)
        self.assertEqual((record(1),), self.again().records)
        taken = record(0, uuid="0b6f1c52-6a0f-4f0e-9d0e-2f6f0b1f9c11")
        self.refused(self.store.save([taken]))

    def test_given_up_too_early(self) -> None:
        """A machine that turns up again after its end is given to the next daemon."""
        ended = evolve(record(), ended_at=NOW)
        for new_daemon in (False, True):
            self.now(self.store.save([record()]))
            self.now(self.store.save([ended]))
            if new_daemon:
                self.again()
                self.now(self.store.prune(NOW))
            self.now(self.store.save([record()]))
            self.assertEqual((), tuple(self.now(self.store.prune(NOW + 9 * DAY))))
            self.assertEqual((record(),), self.again().records)

    def test_prune(self) -> None:
        """Directories go keep_days after the end, never before, and never those kept for ever."""
        three, ever, living = record(0, keep_days=3.0), record(1, keep_days=0.0), record(2)
        self.now(self.store.save([three, ever, living]))
        self.now(self.store.write(three, {"user_data": b"x"}))
        self.put(three, "log", b"x")
        self.now(self.store.save([evolve(r, ended_at=NOW) for r in (three, ever)]))
        for _ in range(2):
            self.assertEqual((), tuple(self.now(self.store.prune(NOW + 3 * DAY - 1))))
            self.again()
        self.assertEqual((three.directory,), tuple(self.now(self.store.prune(NOW + 3 * DAY))))
        self.assertEqual((), tuple(self.now(self.store.prune(NOW + 9999 * DAY))))
        self.assertIsNone(self.now(self.store.read(three, "user_data")))
        self.assertEqual((living,), self.again().records)
        self.now(self.store.save([evolve(three, seen_at=NOW)]))
        self.assertEqual(2, len(self.again().records))

    def test_files(self) -> None:
        """Files of a machine are there as they were written last; absent ones are None."""
        self.now(self.store.save([record()]))
        self.now(self.store.write(record(), {"user_data": b"one\0", "root_public_key": b"key"}))
        self.now(self.store.write(record(), {"user_data": b"two"}))
        self.again()
        self.assertEqual(b"two", self.now(self.store.read(record(), "user_data")))
        self.assertEqual(b"key", self.now(self.store.read(record(), "root_public_key")))
        self.assertIsNone(self.now(self.store.read(record(), "other")))
        self.assertIsNone(self.now(self.store.read(record(1), "user_data")))

    def test_file_names(self) -> None:
        """No name leads out of a machine's directory."""
        self.now(self.store.save([record()]))
        for name in ("", ".", "..", ".hidden", "../x", "a/b", "a\0b", "/etc/passwd"):
            self.assertIn("name", self.refused(self.store.write(record(), {name: b"x"})))
            self.assertIn("name", self.refused(self.store.read(record(), name)))

    def test_unknown_machine(self) -> None:
        """Nothing is kept for a machine whose record was never saved."""
        self.refused(self.store.write(record(), {"user_data": b"x"}))
        self.refused(self.store.put(record(), "log", io.BytesIO(b"x"), NOW))
        self.assertEqual((), self.again().records)

    def test_traces(self) -> None:
        """Heartbeat and message have the times at which they were put, and survive."""
        self.now(self.store.save([record(0), record(1)]))
        self.assertEqual(Traces(), self.put(record(0), "some.log", b"text"))
        self.assertEqual(
            Traces(heartbeat_at=NOW + 1), self.put(record(0), "vm-heartbeat", b"", NOW + 1)
        )
        self.put(record(0), "vm-heartbeat", b"", NOW + 61)
        traces = self.put(record(0), "shutdown_message", b"200 \x1bdone\nmore", NOW + 70)
        self.assertEqual(
            Traces(heartbeat_at=NOW + 61, message="200 ?done", message_at=NOW + 70), traces
        )
        contents = self.again()
        self.assertEqual({record(0).uuid: traces, record(1).uuid: Traces()}, contents.traces)
        self.assertEqual(
            Traces(heartbeat_at=NOW + 61), self.put(record(0), "shutdown_message", b"", NOW + 80)
        )

    def test_no_heartbeat_file(self) -> None:
        """A machine without a heartbeat file has no heartbeat, whatever it puts."""
        machine = record(limits=Limits(fizzle_seconds=1, max_wallclock_seconds=1))
        self.now(self.store.save([machine]))
        self.assertEqual(Traces(), self.put(machine, "vm-heartbeat", b""))

    def test_output_names(self) -> None:
        """Job outputs have plain names."""
        self.now(self.store.save([record()]))
        for name in ("", ".", "..", ".x", "a/b", "../x", "a b", "\u00e9", "a\n", "x" * 65):
            text = self.refused(self.store.put(record(), name, io.BytesIO(b""), NOW))
            self.assertIn("name of a job output", text)
        self.put(record(), "x" * 64, b"")
        self.put(record(), "-_.a", b"")

    def test_quota(self) -> None:
        """Too large, too much and too many are refused, and leave what was there before."""
        self.now(self.store.save([record(0), record(1)]))
        self.put(record(0), "shutdown_message", b"200 ok")
        large = self.store.put(record(0), "shutdown_message", io.BytesIO(b"3" * 1001), NOW)
        self.assertIn("1000 bytes", self.refused(large))
        self.put(record(0), "a", b"x" * 1000)
        self.put(record(0), "b", b"x" * 1000)
        much = self.store.put(record(0), "c", io.BytesIO(b"x" * 1000), NOW)
        self.assertIn("2500 bytes", self.refused(much))
        self.put(record(0), "b", b"y" * 1000)
        self.put(record(0), "c", b"")
        many = self.store.put(record(0), "d", io.BytesIO(b""), NOW)
        self.assertIn("quota of 4", self.refused(many))
        self.put(record(1), "d", b"x" * 1000)
        self.assertEqual("200 ok", self.again().traces[record(0).uuid].message)

    def test_history(self) -> None:
        """The history given last is the one that is remembered."""
        self.now(self.store.remember({"example-vm": {"abort": 1.5}}))
        self.now(self.store.remember({"example-vm": {"abort": NOW}, "other": [1, None]}))
        self.again()
        self.assertEqual(
            {"example-vm": {"abort": NOW}, "other": [1, None]}, self.now(self.store.history())
        )

    def test_shown(self) -> None:
        """Heartbeats and counts can be written, again and again."""
        for _ in range(2):
            self.now(self.store.beat("factory", NOW + 0.5))
            self.now(self.store.count("1 2 1 2 10.00"))

    def test_path(self) -> None:
        """A path is below the machine's own directory, and needs no disk."""
        path = self.store.path(record(), "console.log")
        self.assertTrue(path.endswith(f"/{record().directory}/console.log"))
        self.assertTrue(path.startswith("/"))
