"""Tests for vcycle.daemon.space: what comes before a cycle, and what machines leave."""

from __future__ import annotations

import io

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, SPACE, mark, running, space
from tests.daemon.ground import Ground, cycle_of
from tests.daemon.spoken import listening
from vcycle.core.errors import CallTimedOut, StoreError
from vcycle.core.machine import Limits, Record, State
from vcycle.daemon.space import LIST_SECONDS, MESSAGES, SpaceRunner
from vcycle.interfaces import Contents
from vcycle.testing.store import MemoryStore


class SpaceCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.ground = Ground()
        self.runner = self.ground.runner()

    def cycle(self, early: bool = False, runner: SpaceRunner | None = None) -> list[str]:
        with listening() as said:
            self.successResultOf((runner or self.runner).run(early))
        return said

    def have(self, *machines: Record) -> None:
        for each in machines:
            self.ground.disk.records[each.directory] = each
            self.ground.provider.put(each.uuid, each.name, mark=mark(each))


class RunTests(SpaceCase):
    def test_fills(self) -> None:
        """The first cycle opens the store and fills the space."""
        self.cycle()
        self.assertEqual(8, len(self.ground.provider.machines))
        self.assertEqual(8, len(cycle_of(self.runner).knowledge.records))

    def test_reload(self) -> None:
        """A regular cycle looks at the configuration first; an early one does not."""
        self.cycle(early=True)
        self.assertEqual(0, self.ground.reloads)
        self.cycle()
        self.assertEqual(1, self.ground.reloads)

    def test_restart(self) -> None:
        """A successor finds the machines of its predecessor, and serves them at once."""
        self.cycle()
        successor = self.ground.runner()
        self.ground.book = self.ground.hypervisor.book
        self.cycle(runner=successor)
        self.assertEqual(8, self.ground.provider.creates)
        self.assertEqual(8, len(self.ground.published[-1].machines))

    def test_admitted_before_the_first_look(self) -> None:
        """Machines that were there before us are served before the provider answers."""
        self.have(running(1, address="192.168.7.9", secret="secret-of-one"))
        self.ground.provider.hang = True
        self.runner.run(False).__await__().__next__()
        self.assertIsNotNone(self.ground.book.by_secret("secret-of-one"))
        self.assertIsNotNone(self.ground.book.by_address("192.168.7.9"))

    def test_heartbeats(self) -> None:
        """The list is made anew after some seconds, whoever asks how often; early it is empty."""
        self.assertEqual(b"", self.runner.heartbeats("pilot"))
        limits = Limits(fizzle_seconds=600, max_wallclock_seconds=86400, heartbeat_file="beat")
        first, second = (
            running(slot, address=f"192.168.7.{slot}", limits=limits) for slot in (1, 2)
        )
        self.have(first, second)
        self.cycle()
        self.successResultOf(self._beat(first))
        line = f"{int(NOW)} {first.name} 192.168.7.1\n".encode()
        self.assertEqual(line, self.runner.heartbeats("pilot"))
        self.successResultOf(self._beat(second))
        self.assertEqual(line, self.runner.heartbeats("pilot"))
        self.ground.reactor.advance(LIST_SECONDS)
        self.assertEqual(2, self.runner.heartbeats("pilot").count(b"\n"))
        self.assertEqual(b"", self.runner.heartbeats("other"))

    async def _beat(self, record: Record) -> None:
        await self.runner.put(record, "beat", io.BytesIO(b""))

    def test_problems(self) -> None:
        """With a problem of the configuration nothing is created, and machines are supervised."""
        old = running(1, started_at=NOW - 90_000, requested_at=NOW - 90_000, shutdown_time=NOW - 1)
        self.have(old)
        self.runner.problems = ("the configuration is wrong: x",)
        self.cycle()
        self.assertEqual({}, self.ground.provider.machines)
        self.assertEqual(0, self.ground.provider.creates)
        self.assertIn("the configuration is wrong: x", self.ground.published[-1].problems)

    def test_reconfigured(self) -> None:
        """The next cycle follows the space as it is configured then."""
        self.cycle()
        self.runner.space = space(total_processors=9)
        self.cycle()
        self.assertEqual(9, len(self.ground.provider.machines))


class StoreTests(SpaceCase):
    def test_tried_again(self) -> None:
        """A store that does not open is told once, and tried again until it does."""
        self.runner.store = Unopened(SPACE, self.ground.disk)
        said = [self.cycle() for _ in range(3)]
        self.assertEqual([["error: vac01.example.com: /x: no disk"], [], []], said)
        self.assertEqual({}, self.ground.provider.machines)
        self.runner.store = self.ground.new_store()
        self.cycle()
        self.assertIsNotNone(self.runner.cycle)

    def test_clocks_unreadable(self) -> None:
        """Clocks that cannot be kept are told once; supervision goes on all the same."""
        self.have(running(1))
        for failure in (StoreError("/x/clock.json: no"), CallTimedOut("no answer")):
            self.ground.clock_kept.broken = failure
            said = self.cycle() + self.cycle()
            self.assertEqual(1, said.count(f"error: vac01.example.com: {failure}"))
        self.assertEqual(State.RUNNING, self.ground.published[-1].machines[0].state)

    def test_damage(self) -> None:
        """What the store could not read is an alarm."""
        self.runner.store = Damaged(SPACE, self.ground.disk)
        self.assertIn("warn: vac01.example.com: /x/record.json: not JSON", self.cycle())

    def test_step(self) -> None:
        """A clock that was set is told once, and ends no machine."""
        self.cycle()
        self.ground.skew = 90_000.0
        said = self.cycle()
        self.assertEqual(
            ["warn: The clock was set by +90000.0s; the ages of machines are kept"], said
        )
        self.assertEqual(8, len(self.ground.provider.machines))
        self.assertEqual([], self.cycle())

    def test_served_since(self) -> None:
        """The time since which machines can reach us is corrected for a step, and only once."""
        self.cycle()
        known = cycle_of(self.runner).knowledge
        self.assertEqual(NOW, known.served_since)
        for self.ground.skew in (5000.0, 5000.0, -3000.0):
            self.cycle()
            self.assertEqual(NOW + self.ground.skew, known.served_since)


class Unopened(MemoryStore):
    """A store that does not open."""

    async def open(self) -> Contents:
        raise StoreError("/x: no disk")


class Damaged(MemoryStore):
    """A store that could not read all."""

    async def open(self) -> Contents:
        return evolve(await super().open(), damaged=("/x/record.json: not JSON",))


class PutTests(SpaceCase):
    def setUp(self) -> None:
        super().setUp()
        self.cycle()
        self.record = next(iter(cycle_of(self.runner).knowledge.records.values()))

    def put(self, name: str, text: str) -> list[str]:
        with listening() as said:
            self.successResultOf(self.runner.put(self.record, name, io.BytesIO(text.encode())))
        return said

    async def read(self, name: str) -> bytes | None:
        return await self.runner.read(self.record, name)

    def test_message(self) -> None:
        """A machine's last message is told, and makes the next cycle come at once, once."""
        line = f"info: {self.record.name} (pilot) says '200 Success'"
        self.assertEqual([line], self.put("shutdown_message", "200 Success"))
        self.assertEqual(1, self.ground.wakes)
        self.assertEqual([], self.put("shutdown_message", "200 Success"))
        self.assertEqual(1, self.ground.wakes)
        self.put("shutdown_message", "300 No work")
        self.assertEqual(2, self.ground.wakes)

    def test_other_outputs(self) -> None:
        """Heartbeats and logs wake nobody, and are no lines."""
        for name in ("heartbeat", "log.txt"):
            self.assertEqual([], self.put(name, "x"))
        self.assertEqual(0, self.ground.wakes)

    def test_chatter(self) -> None:
        """A machine that goes on and on about its end is told of a few times only."""
        said = [line for n in range(50) for line in self.put("shutdown_message", f"{n} x")]
        self.assertEqual(MESSAGES, len(said))
        traces = cycle_of(self.runner).knowledge.traces[self.record.uuid]
        self.assertEqual("49 x", traces.message)

    def test_stranger(self) -> None:
        """An output of a machine that was just forgotten is kept, and wakes nobody."""
        cycle_of(self.runner).knowledge.forget(self.record)
        self.assertEqual([], self.put("shutdown_message", "200 x"))
        self.assertEqual(0, self.ground.wakes)
        self.assertEqual({}, cycle_of(self.runner).knowledge.traces)

    def test_desk(self) -> None:
        """The web server sees a machine's newest record, its files and the space's features."""
        self.assertEqual(self.record, self.runner.record(self.record.uuid))
        self.assertIsNone(self.runner.record("other"))
        self.assertIsNone(self.successResultOf(self.read("user_data")))
        self.assertEqual({}, self.runner.machinefeatures())
        self.assertIsNone(self.runner.public_key("other"))
        self.assertIsNone(self.ground.runner().record(self.record.uuid))
        self.assertIsNone(self.ground.runner().public_key("pilot"))
