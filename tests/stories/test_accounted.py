"""What accounting is told of machines that start, or are first seen, in unusual ways."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.core.accounting.loader import load
from tests.stories.world import HOUR, World, hangs, machinetype, settings
from vcycle.core.machine import Condition, Outcome, Record
from vcycle.testing.provider import Fate

MORE = "fizzle_seconds = 600"


def factory() -> World:
    """A factory of one machine, which hangs until it is ended."""
    text = settings(1, "gocdb_sitename = EXAMPLE-SITE") + machinetype(more=MORE)
    return World(text, {"atlas": hangs})


def jobs(world: World) -> list[dict[str, str]]:
    """The job records that accounting was told of."""
    return [job for text in world.spool.archive.values() for job in load(text, world.now())]


class AccountedTests(SynchronousTestCase):
    def test_never_ran(self) -> None:
        """A machine that stays pending until it is destroyed for that is not accounted."""
        world = factory()
        world.lives["atlas"] = lambda guest: world.provider.turn(
            guest.record.uuid, Condition.PENDING
        )
        world.boot().advance(HOUR / 4)
        self.assertEqual({Outcome.NEVER_STARTED}, {record.outcome for record in world.over()})
        self.assertEqual([], jobs(world))

    def unseen(self) -> tuple[World, Record]:
        """A machine that was made just as the daemon died, and the world three hours later."""
        world = factory()
        world.provider.fates.append(Fate.DELAYED)
        world.boot().advance(1)
        world.kill()
        world.provider.arrive()
        world.advance(3 * HOUR)
        [made] = world.made
        world.provider.use(made.uuid, 2 * HOUR)
        return world, made

    def test_made_unseen(self) -> None:
        """A machine that ran for hours before the first look is accounted from its request on."""
        world, made = self.unseen()
        world.boot().advance(HOUR)
        world.provider.end(made.uuid)
        world.advance(61)
        [job] = jobs(world)
        self.assertEqual(int(made.requested_at), int(job["StartTime"]))
        self.assertEqual(2 * HOUR, float(job["CpuDuration"]))
        self.assertGreaterEqual(int(job["WallDuration"]), 4 * HOUR)

    def test_paused_unseen(self) -> None:
        """So is one that is found paused, as it ran before that."""
        world, made = self.unseen()
        world.provider.turn(made.uuid, Condition.PAUSED)
        world.boot().advance(61)
        self.assertIs(Outcome.PAUSED, world.over()[0].outcome)
        [job] = jobs(world)
        self.assertGreaterEqual(int(job["WallDuration"]), 3 * HOUR)

    def test_pending_before(self) -> None:
        """One that was seen pending before the daemon was down is accounted from that look on."""
        world = factory()
        world.lives["atlas"] = lambda guest: world.provider.turn(
            guest.record.uuid, Condition.PENDING
        )
        world.boot().advance(130)
        looked = world.snapshot.machines[0].record.seen_at
        assert looked is not None
        world.kill()
        [made] = world.made
        world.provider.turn(made.uuid, Condition.RUNNING)
        world.advance(3 * HOUR)
        world.boot().advance(61)
        world.provider.end(made.uuid)
        world.advance(61)
        [job] = jobs(world)
        self.assertGreater(looked, made.requested_at)
        self.assertEqual(int(looked), int(job["StartTime"]))
