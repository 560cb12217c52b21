"""Stories of a factory over hours and weeks."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.stories.world import DAY, HOUR, World, dies, hangs, machinetype, settings, works
from vcycle.core.machine import Outcome


class WeekTests(SynchronousTestCase):
    def test_fills_at_once(self) -> None:
        """An empty factory is full after its first cycle."""
        world = World(settings(8) + machinetype(), {"atlas": works(HOUR)}).boot().advance(1)
        self.assertEqual(8, len(world.provider.machines))
        self.assertEqual(sorted(range(8)), sorted(r.slot for r in world.living()))

    def test_shares(self) -> None:
        """Over a week two machinetypes get processors as their shares want it."""
        text = settings(8) + machinetype("atlas", 3) + machinetype("lhcb", 1)
        world = World(text, {"atlas": works(2 * HOUR), "lhcb": works(2 * HOUR)})
        world.boot().advance(7 * DAY)
        made = [record.machinetype for record in world.made]
        self.assertAlmostEqual(3.0, made.count("atlas") / made.count("lhcb"), delta=0.3)
        self.assertGreater(len(made), 0.95 * 8 * 7 * DAY / (2 * HOUR))
        self.assertEqual({Outcome.COMPLETED}, {record.outcome for record in world.over()})

    def test_no_work(self) -> None:
        """Without work one scout at a time asks; when work is back the factory fills again."""
        world = World(settings(8) + machinetype(), {"atlas": works(60, "300 No work")})
        world.boot().advance(1)
        self.assertEqual(8, len(world.made))
        world.advance(6 * HOUR)
        scouts = len(world.made) - 8
        self.assertLessEqual(scouts, 6 * HOUR / (600 + 60) + 1)
        self.assertGreater(scouts, 20)
        self.assertIn(world.verdicts()["atlas"], ("backing-off", "proving"))
        world.lives["atlas"] = works(10 * HOUR)
        world.advance(2 * HOUR)
        self.assertEqual(8, len(world.living()))

    def test_fizzle(self) -> None:
        """Machines that die at once and silently are backed off like those without work."""
        world = World(settings(4) + machinetype(), {"atlas": dies(30)})
        world.boot().advance(DAY)
        self.assertLessEqual(len(world.made), 4 + DAY / (600 + 30) + 1)
        self.assertEqual({Outcome.FIZZLED}, {record.outcome for record in world.over()})

    def test_one_bad_one_good(self) -> None:
        """A machinetype without work leaves all processors to the other."""
        text = settings(8) + machinetype("atlas", 1) + machinetype("lhcb", 1)
        world = World(text, {"atlas": works(60, "300 No work"), "lhcb": works(3 * HOUR)})
        world.boot().advance(DAY)
        self.assertGreaterEqual(len(world.living("lhcb")), 7)

    def test_hung(self) -> None:
        """A machine whose heartbeats never come, or stop, is destroyed, and that is an abort."""
        more = "heartbeat_file = heartbeat\nheartbeat_seconds = 300"
        world = World(settings(1) + machinetype(more=more), {"atlas": hangs}).boot()
        world.advance(15 * 60)
        self.assertEqual("700 Heartbeat file not created", world.over()[0].message)
        self.assertTrue(world.over()[0].abort)
        world.lives["atlas"] = lambda guest: guest.put("heartbeat", "once")
        world.advance(HOUR)
        self.assertEqual("700 Heartbeat file not updated", world.over()[-1].message)

    def test_overtime(self) -> None:
        """A machine that goes on past its wall clock limit is destroyed; that is no abort."""
        more = "max_wallclock_seconds = 7200"
        world = World(settings(1) + machinetype(more=more), {"atlas": hangs}).boot()
        world.advance(7200 + 120)
        [first] = world.over()
        self.assertEqual(
            (Outcome.OVERTIME, "700 Exceeded max_wallclock_seconds", False),
            (first.outcome, first.message, first.abort),
        )
        self.assertEqual(1, len(world.living()))

    def test_successor(self) -> None:
        """A machine's end is seen by its event: the next one is asked for at once."""
        world = World(settings(1) + machinetype(), {"atlas": works(HOUR + 17)}).boot()
        world.advance(DAY)
        gaps = [
            later.requested_at - (earlier.ended_at or 0.0)
            for earlier, later in zip(world.over(), world.over()[1:] + world.living())
        ]
        self.assertLess(max(gaps), 0.5)
