"""Tests for vcycle.daemon.cycle: what one cycle shows, and in which order."""

from __future__ import annotations

from typing import Callable, TypeVar

from attrs import Factory, define, evolve
from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, SPACE, machinetype, mark, running, space
from tests.daemon.ground import Ground, cycle_of
from tests.daemon.spoken import listening
from vcycle.core.errors import CallTimedOut, StoreError, Unreachable
from vcycle.core.machine import Record, State
from vcycle.core.snapshot import Snapshot
from vcycle.daemon.cycle import PRUNE_SECONDS, Cycle
from vcycle.interfaces import Image

R = TypeVar("R")
TIMED_OUT = CallTimedOut("no answer within 60 s")


@define
class Threads:
    """A RunInThread that gives up on the calls whose numbers are in ``lost``."""

    lost: set[int] = Factory(set)
    calls: int = 0

    def __call__(self, work: Callable[[], R], deadline: float | None = None) -> Deferred[R]:
        self.calls += 1
        return fail(TIMED_OUT) if self.calls in self.lost else maybeDeferred(work)


class CycleCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.ground = Ground()
        self.runner = self.ground.runner(space(total_processors=2))

    def run_cycle(self, early: bool = False) -> list[str]:
        with listening() as said:
            self.successResultOf(self.runner.run(early))
        return said

    @property
    def cycle(self) -> Cycle:
        return cycle_of(self.runner)

    @property
    def snapshot(self) -> Snapshot:
        return self.ground.published[-1]

    def have(self, *machines: Record) -> None:
        for each in machines:
            self.ground.disk.records[each.directory] = each
            self.ground.provider.put(each.uuid, each.name, mark=mark(each))


class CloseTests(CycleCase):
    def test_heartbeat_last(self) -> None:
        """The heartbeat is written last of all, after the counts."""
        self.run_cycle()
        self.assertEqual(["prune", "counts", "factory-heartbeat"], self.last_acts(3))
        self.assertEqual(f"{int(NOW)}\n", self.ground.disk.shown["factory-heartbeat"])

    def test_other_hearts(self) -> None:
        """Heartbeats of others are written before it, while they have one."""
        hearts: list[str] = []
        self.run_cycle()
        self.cycle.hearts = lambda: hearts
        self.run_cycle()
        self.assertNotIn("responder-heartbeat", self.ground.disk.shown)
        hearts.append("responder")
        self.run_cycle()
        self.assertEqual(f"{int(NOW)}\n", self.ground.disk.shown["responder-heartbeat"])
        beats = [act for act in self.ground.acts if act.endswith("-heartbeat")]
        self.assertEqual(["responder-heartbeat", "factory-heartbeat"], beats[-2:])

    def last_acts(self, count: int) -> list[str]:
        acts = [act for act in self.ground.acts if act in ("counts", "factory-heartbeat")]
        return ["prune", *acts][-count:]

    def test_counts(self) -> None:
        """The counts are of machines that run; those just asked for come with the next cycle."""
        self.run_cycle()
        self.assertTrue(self.ground.disk.shown["counts"].startswith("0 2 0 2 "))
        self.run_cycle()
        self.assertTrue(self.ground.disk.shown["counts"].startswith("2 2 2 2 "))

    def test_published(self) -> None:
        """The snapshot has the machines as the plan left them, with those just asked for."""
        self.run_cycle()
        self.assertEqual({State.REQUESTED}, {r.state for r in self.snapshot.machines})
        self.run_cycle()
        self.assertEqual({State.RUNNING}, {r.state for r in self.snapshot.machines})
        self.assertEqual(2, self.snapshot.processors_limit)
        self.assertEqual(["full"], [verdict.word for verdict in self.snapshot.verdicts])

    def test_over(self) -> None:
        """A machine that is over is shown once more as its slot's last one."""
        self.run_cycle()
        gone = next(iter(self.ground.provider.machines))
        self.run_cycle()
        self.ground.provider.end(gone)
        self.run_cycle()
        self.assertEqual([gone], [record.uuid for record in self.snapshot.over])
        self.assertNotIn(gone, {r.record.uuid for r in self.snapshot.machines})

    def test_prune(self) -> None:
        """Old directories are removed, though not in each cycle."""
        self.run_cycle()
        old = running(5, ended_at=NOW - 10 * 86400)
        self.ground.disk.records[old.directory] = old
        self.run_cycle()
        self.assertIn(old.directory, self.ground.disk.records)
        self.ground.reactor.advance(PRUNE_SECONDS)
        self.run_cycle()
        self.assertNotIn(old.directory, self.ground.disk.records)

    def test_no_disk(self) -> None:
        """A disk that is full is told once for each thing, published all the same, and over."""
        self.ground.disk.full = True
        said = [self.run_cycle() for _ in range(3)]
        told = [line for line in said[0] if "the disk is full" in line]
        self.assertEqual(["error", "warn"], sorted({line.partition(":")[0] for line in told}))
        self.assertEqual([[], []], said[1:])
        self.assertEqual(3, len(self.ground.published))
        self.assertTrue(any("the disk is full" in text for text in self.snapshot.problems))
        self.ground.disk.full = False
        self.run_cycle()
        self.assertEqual(2, len(self.ground.provider.machines))
        self.assertIn("factory-heartbeat", self.ground.disk.shown)


class LookTests(CycleCase):
    def test_provider_lost(self) -> None:
        """Without an answer machines are shown as they were; it is told once, and its return."""
        self.run_cycle()
        self.ground.provider.broken = Unreachable("no connection")
        said = [self.run_cycle() for _ in range(2)]
        self.assertEqual(2, len(said[0]))
        self.assertIn("no answer from the provider", said[0][0])
        self.assertEqual([], said[1])
        self.assertEqual(2, len(self.snapshot.machines))
        self.assertIn("the provider does not answer: no connection", self.snapshot.problems)
        self.ground.provider.broken = None
        self.assertIn("answers again", self.run_cycle()[0])

    def test_survey_timed_out(self) -> None:
        """A thread that was given up in the survey is no answer, as any other."""
        self.run_cycle()
        self.ground.provider.broken = TIMED_OUT
        self.run_cycle()
        self.assertIn(f"the provider does not answer: {TIMED_OUT}", self.snapshot.problems)

    def test_capacity(self) -> None:
        """The provider's capacity is asked for in regular cycles only."""
        self.runner.space = space(total_processors=None)
        self.run_cycle(early=True)
        self.assertEqual(0, len(self.ground.provider.machines))
        self.run_cycle()
        self.assertEqual(64, len(self.ground.provider.machines))

    def test_load(self) -> None:
        """The host's load keeps machines from starting there, not on another hypervisor."""
        self.ground.host = evolve(self.ground.host, load=99.0)
        self.run_cycle()
        self.assertIn("load average", self.snapshot.verdicts[0].text)
        self.ground.hypervisor.local = False
        self.run_cycle()
        self.assertEqual("started", self.snapshot.verdicts[0].word)

    def test_host_unseen(self) -> None:
        """A host that cannot be looked at stops creations, and nothing else."""
        self.run_cycle()
        old = running(7, started_at=NOW - 90_000, requested_at=NOW - 90_000, shutdown_time=NOW - 1)
        self.have(old)
        self.cycle.knowledge.records[old.uuid] = old
        self.runner.space = space(total_processors=9)
        threads = Threads()
        self.cycle.in_thread = threads
        threads.lost = {2}  # the key's file comes first
        self.run_cycle()
        self.assertIn(f"the host is not known: {TIMED_OUT}", self.snapshot.problems)
        self.assertNotIn(old.uuid, self.ground.provider.machines)
        self.assertEqual(2, len(self.ground.provider.machines))

    def test_materials_timed_out(self) -> None:
        """A machinetype whose files do not answer waits; the cycle does not."""
        self.run_cycle()
        self.cycle.in_thread = Threads(lost={1})
        self.runner.space = space(total_processors=9)
        self.run_cycle()
        [verdict] = self.snapshot.verdicts
        self.assertIn(str(TIMED_OUT), verdict.text)

    def test_plan_timed_out(self) -> None:
        """A plan that was given up ends the cycle, and the next one finds nothing locked."""
        self.run_cycle()
        self.cycle.in_thread = Threads(lost={3})
        self.failureResultOf(self.runner.run(False), CallTimedOut)
        self.cycle.in_thread = Threads()
        self.run_cycle()
        self.assertEqual(2, len(self.ground.published))

    def test_image_missing(self) -> None:
        """A machinetype without its image waits for it, and is made once it is there."""
        pilot = machinetype(root_image="/images/other.img")
        self.runner.space = space(pilot, total_processors=1)
        self.run_cycle()
        [verdict] = self.snapshot.verdicts
        self.assertIn("/images/other.img", verdict.text)
        self.ground.images.files["/images/other.img"] = b"image"
        self.ground.disks.images.add("/images/other.img")
        self.run_cycle()
        self.assertEqual(1, len(self.ground.provider.machines))

    def test_no_share(self) -> None:
        """A machinetype without a share needs no image."""
        pilot = machinetype(root_image="/images/other.img", target_share=0.0)
        self.runner.space = space(pilot)
        self.run_cycle()
        self.assertEqual({}, self.cycle.materials)

    def test_blocked(self) -> None:
        """What was refused for good is not asked for again until the configuration changes."""
        self.run_cycle()
        self.cycle.knowledge.blocked["pilot"] = "no such device"
        wanted = space(total_processors=3)
        self.cycle.space = self.runner.space = wanted
        self.run_cycle()
        self.assertEqual(2, len(self.ground.provider.machines))
        self.runner.space = space(total_processors=4)
        self.run_cycle()
        self.assertEqual(4, len(self.ground.provider.machines))

    def test_steps(self) -> None:
        """A machine that is adopted after the clock was set has its ages all the same."""
        self.have(running(1))
        self.ground.disk.records.clear()
        self.ground.clock_kept.content = {
            "steps": [50_000.0],
            "last": {"boot": "one", "wall": NOW, "since_boot": 0.0},
        }
        self.run_cycle()
        adopted = self.cycle.knowledge.records[running(1).uuid]
        self.assertEqual((NOW + 50_000, 1), (adopted.started_at, adopted.clock))


class SharedTests(SynchronousTestCase):
    def test_history_not_kept(self) -> None:
        """A history that cannot be written is a problem, with the space's path in it."""
        ground = Ground()
        wrote = ground.store.on_write
        runner = ground.runner()
        self.successResultOf(runner.run(False))

        def refuse(step: int, what: str) -> None:
            if what == "remember":
                raise StoreError(f"/x/{SPACE}/history: no")
            if wrote is not None:
                wrote(step, what)

        store = cycle_of(runner).store
        store.on_write = refuse  # type: ignore[attr-defined]
        self.successResultOf(runner.run(False))
        self.assertIn(f"/x/{SPACE}/history: no", ground.published[-1].problems)


class RemarkTests(CycleCase):
    def test_stale_image(self) -> None:
        """That an image's server could not be asked is told with its machinetype's verdict."""
        self.run_cycle()
        [before] = self.snapshot.verdicts
        path = next(iter(self.ground.images.files))
        stale = Image(path=path, url="https://h.test/x", confirmed_at=NOW, problem="it is gone")
        self.ground.images.stale[path] = stale
        self.run_cycle()
        [after] = self.snapshot.verdicts
        self.assertNotIn("it is gone", before.text)
        self.assertIn(
            "(the copy of https://h.test/x confirmed 0s ago is used: it is gone)", after.text
        )

    def test_remarks(self) -> None:
        """What is only to be told is shown as a problem, and keeps nothing from being made."""
        self.runner = self.ground.runner(space(total_processors=2))
        self.run_cycle()
        self.cycle.remarks = lambda space: (f"a remark on {space.name}",)
        self.run_cycle()
        self.assertIn(f"a remark on {SPACE}", self.snapshot.problems)
        self.assertTrue(self.snapshot.machines)
