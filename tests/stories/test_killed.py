"""The daemon is killed at any step: its successor comes to the same world."""

from __future__ import annotations

from attrs import Factory, define
from twisted.trial.unittest import SynchronousTestCase

from tests.stories.world import SPACE, Fuse, Guest, World, machinetype, settings
from vcycle.core.accounting.jobs import counts, read_job

TASKS = 5
DOWN = 20.0
IN_FLIGHT = 35.0
"""A request that was on its way when the daemon died takes effect so long after."""

MORE = "backoff_seconds = 300\nfizzle_seconds = 200\nheartbeat_file = heartbeat"


@define
class Queue:
    """An owner's queue of work, which machines pull from and report to."""

    waiting: list[int] = Factory(lambda: list(range(TASKS)))
    done: list[int] = Factory(list)

    def life(self, guest: Guest) -> None:
        """Take a task and work on it, or say that there is none."""
        guest.beat(60)
        if not self.waiting:
            guest.after(30, lambda: guest.finish("300 No more work"))
            return
        task = self.waiting.pop()

        def complete() -> None:
            self.done.append(task)
            guest.finish("200 Success")

        guest.after(400, complete)


def run(at: int | None) -> tuple[World, Queue]:
    """A world in which the daemon is killed at one step, and started again soon after."""
    queue = Queue()
    more = "cycle_seconds = 120\ngocdb_sitename = EXAMPLE-SITE"
    text = settings(2, more) + machinetype(more=MORE)
    world = World(text, {"atlas": queue.life}, fuse=Fuse(at=at)).boot()
    for _ in range(40):
        world.advance(60)
        names = [machine.name for machine in world.provider.machines.values()]
        assert len(names) == len(set(names)) <= 2, f"too many machines: {names}"
        if world.fuse.burnt:
            world.kill()
            world.reactor.callLater(IN_FLIGHT, Guest.arrive, world)
            assert remembers(world), "an abort is on disk, and nothing remembers it"
            world.advance(DOWN)
            world.fuse = Fuse()
            # What is queued goes whenever its sender likes, and is never seen again.
            world.spool.send()
            world.boot()
    world.spool.send()
    return world, queue


def remembers(world: World) -> bool:
    """Is every abort on disk in the history as well?"""
    aborts = [record.ended_at or 0.0 for record in world.over() if record.abort]
    histories = world.stores[SPACE].history.get("histories")
    if not aborts:
        return True
    assert isinstance(histories, dict)
    return bool(histories["atlas"]["last_abort"] >= max(aborts))


class KilledTests(SynchronousTestCase):
    def test_08_killed_anywhere(self) -> None:
        """
        Whatever step the daemon is killed at: each task is done once, each machine that was
        ever made is over or living exactly once, and none is there without a record. Each that
        counts for accounting is archived once and was sent once.
        """
        world, queue = run(None)
        self.check(world, queue, None)
        steps = world.fuse.ticks
        self.assertGreater(steps, 200)
        for step in range(1, steps + 1):
            world, queue = run(step)
            self.check(world, queue, step)

    def check(self, world: World, queue: Queue, step: int | None) -> None:
        self.assertEqual(list(range(TASKS)), sorted(queue.done), step)
        records = world.records()
        made = [record.uuid for record in world.made]
        self.assertEqual(len(records), len({record.uuid for record in records}), step)
        self.assertLessEqual(set(made), {record.uuid for record in records}, step)
        living = {record.uuid for record in world.living()}
        self.assertLessEqual(set(world.provider.machines), living, step)
        for record in world.over():
            self.assertIsNotNone(record.outcome, step)
            if record.uuid in made and record.started_at is None:
                self.fail(f"step {step}: {record.name} ran, but its record does not say so")
        history = world.stores[SPACE].history["histories"]
        assert isinstance(history, dict)
        self.assertIsNotNone(history["atlas"]["last_abort"], step)
        self.check_accounting(world, step)

    def check_accounting(self, world: World, step: int | None) -> None:
        owed = {record.uuid: record for record in world.over() if counts(record)}
        self.assertGreaterEqual(len(owed), TASKS, step)
        archived = {uuid: read_job(text) for uuid, text in world.spool.archive.items()}
        self.assertLessEqual(set(owed), set(archived), step)
        sent = [read_job(text) for text in world.spool.sent]
        self.assertEqual(sorted(archived), sorted(job.uuid for job in sent), step)
        self.assertEqual(archived, {job.uuid: job for job in sent}, step)
        for uuid in set(archived) - set(owed):
            self.fail(f"step {step}: {uuid} was told of, and its end is not on disk")
        self.assertEqual({}, world.spool.pending, step)
