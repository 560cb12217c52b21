"""What accounting is told by the daemon: of which machines, when, and by which facts."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, ended, running
from tests.daemon.ground import Ground
from tests.stories.world import HOUR, World, machinetype, settings, works
from vcycle.core.accounting.jobs import Job, read_job

GOCDB = "gocdb_sitename = EXAMPLE-SITE\nhepscore23_per_processor = 11.25"


class EndTests(SynchronousTestCase):
    def test_not_written(self) -> None:
        """A machine whose record cannot be written stays known, and its end is not on disk."""
        ground = Ground()
        living, over = running(1), ended(1)
        ground.knowledge.records[living.uuid] = living
        ground.accounts.spool.full = True
        problems = self.successResultOf(ground.performer.finish([over]))
        self.assertEqual(["/memory/apel-pending: the disk is full: make room"], problems)
        self.assertEqual({living.uuid: living}, ground.knowledge.records)
        self.assertEqual({}, ground.disk.records)
        ground.accounts.spool.full = False
        self.assertEqual([], self.successResultOf(ground.performer.finish([over])))
        self.assertEqual([over.uuid], list(ground.accounts.spool.archive))
        self.assertEqual([over], list(ground.disk.records.values()))

    def test_short(self) -> None:
        """A machine that ended too soon is only an end."""
        ground = Ground()
        self.successResultOf(ground.performer.finish([evolve(ended(1), ended_at=NOW + 10)]))
        self.assertEqual({}, ground.accounts.spool.archive)
        self.assertEqual(1, len(ground.disk.records))


class StoryTests(SynchronousTestCase):
    def world(self, more: str = GOCDB, seconds: float = HOUR) -> World:
        return World(settings(1, more) + machinetype(), {"atlas": works(seconds)}).boot()

    def jobs(self, world: World) -> list[Job]:
        """What was told, in the order of ends."""
        jobs = map(read_job, world.spool.archive.values())
        return sorted(jobs, key=lambda job: job.end)

    def test_true_end(self) -> None:
        """The end is the one that the provider's event told, not that of the look after it."""
        world = self.world().advance(HOUR + 300)
        [job] = self.jobs(world)
        [record] = world.over()
        self.assertEqual(int(record.ended_at or 0), job.end)
        self.assertIn("\nServiceLevelType: HEPscore23\nServiceLevel: 11.25\n", job.text)
        self.assertEqual([job.text], list(world.spool.outgoing.values()))

    def test_down(self) -> None:
        """A machine that ended while the daemon was down is told of when it is back."""
        world = self.world().advance(HOUR / 2)
        world.kill()
        world.advance(2 * HOUR)
        self.assertEqual([], self.jobs(world))
        world.boot().advance(300)
        [job] = self.jobs(world)
        self.assertEqual("EXAMPLE-SITE", job.site)

    def test_reconfigured(self) -> None:
        """What was configured when a machine was made holds, whatever is configured at its end."""
        world = self.world().advance(HOUR / 2)
        world.configure(settings(1) + machinetype("other", more="fizzle_seconds = 86000"))
        world.advance(HOUR)
        [job] = self.jobs(world)
        self.assertEqual("EXAMPLE-SITE", job.site)
        self.assertEqual(1, len(world.spool.outgoing))

    def test_not_sent(self) -> None:
        """Machines that were made without gocdb_sitename are archived under a placeholder only."""
        world = self.world("").advance(HOUR / 2)
        world.configure(settings(1, GOCDB) + machinetype())
        world.advance(HOUR / 2 + 300)
        [job] = self.jobs(world)
        self.assertEqual("example.com", job.site)
        self.assertEqual({}, world.spool.outgoing)

    def test_adopted(self) -> None:
        """A machine that was adopted is told of by what it carried with itself."""
        world = self.world().advance(HOUR / 2)
        world.kill()
        world.stores.clear()
        world.boot().advance(HOUR)
        [job] = self.jobs(world)
        self.assertEqual("EXAMPLE-SITE", job.site)
        self.assertEqual(1, len(world.spool.outgoing))
