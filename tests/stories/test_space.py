"""Stories of a space: many factories that each decide alone, and what comes of it together."""

from __future__ import annotations

from collections import Counter
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.core import values
from tests.stories.drought import (
    BACKOFF,
    DRY,
    FIZZLE,
    LONGEST_ASK,
    SCOUTS_PER_HOUR,
    SHARES,
    drought,
    machinetypes,
    most_in_an_hour,
    off,
    plenty,
)
from tests.stories.space import (
    DAY,
    HOUR,
    MINUTE,
    SimulatedFactory,
    SimulatedSpace,
    idles,
    works,
)
from vcycle.core.scouting import probation

FEW = 6
SLOTS = 8


def few(**changes: Any) -> SimulatedSpace:
    """A small space in which all have work."""
    space = plenty()
    space.add(FEW, machinetypes(), **{"total_processors": SLOTS, **changes})
    return space


def running(factory: SimulatedFactory) -> Counter[str]:
    """Its machines that are really there, by machinetype."""
    there = (machine for machine in factory.machines.values() if machine.ended_at is None)
    return Counter(machine.record.machinetype for machine in there)


class WeekTests(SynchronousTestCase):
    def test_week(self) -> None:
        """
        Twenty factories of 32 slots over a week: shares, a drought, its end, a lost factory.

        A cycle every two minutes halves the time that this takes; the other stories have one
        every minute.
        """
        space = plenty()
        space.add(20, machinetypes(), total_processors=32, cycle_seconds=120.0)
        began = space.now
        measured = drought(space, settle=12 * HOUR, watch=24 * HOUR, dry=48 * HOUR)
        self.assertEqual([], list(measured.faults()), "; ".join(measured.lines()))
        space.kill(space.factories[3])
        lost = space.shares(12 * HOUR)
        self.assertEqual([], list(off(lost, SHARES)))
        space.factories[3].up = True
        space.advance(12 * HOUR)
        back = space.shares(began + 7 * DAY - space.now)
        self.assertEqual([], list(off(back, SHARES)))
        self.assertEqual(20 * 32, sum(space.running.values()))
        self.assertEqual(7 * DAY, space.now - began)


class ScoutTests(SynchronousTestCase):
    """A space, or a machinetype, without work."""

    def scouts(self, space: SimulatedSpace, hours: float = 12.0) -> int:
        """The most scouts in an hour from when the first abort was known to all."""
        space.lives[DRY] = idles()
        space.advance(LONGEST_ASK + 2 * MINUTE)
        known = space.now
        space.advance(hours * HOUR)
        return most_in_an_hour([at for at, _ in space.started(DRY, known)])

    def test_spread(self) -> None:
        """Scouts go on for ever, and every factory has its turn."""
        space = few()
        space.advance(HOUR)
        since = space.now
        self.assertLessEqual(self.scouts(space, 24.0), SCOUTS_PER_HOUR)
        started = space.started(DRY, since + HOUR)
        self.assertGreater(len(started), 23 * 3)
        self.assertEqual(FEW, len({where for _, where in started}))

    def test_nobody_has_work(self) -> None:
        """A space that begins without any work tries once with all, and then with scouts."""
        space = few()
        space.lives = {name: idles() for name in SHARES}
        space.advance(10 * MINUTE)
        # Some factories learn of one machinetype's first abort before they know of another's.
        self.assertLess(len(space.made), 2 * FEW * SLOTS)
        space.advance(12 * HOUR)
        for name in SHARES:
            scouts = [at for at, _ in space.started(name, space.now - 12 * HOUR)]
            self.assertLessEqual(most_in_an_hour(scouts), SCOUTS_PER_HOUR)
            self.assertGreater(len(scouts), 12 * 3)

    def test_work_for_the_first_only(self) -> None:
        """Machines that found the last work, and go on, are taken for no proof of more."""
        space = few()
        left = 20

        def last_work(chance: Any) -> tuple[float, str]:
            nonlocal left
            left -= 1
            return (12 * HOUR, "200 Success") if left >= 0 else idles()(chance)

        space.lives[DRY] = last_work
        space.advance(LONGEST_ASK + 2 * MINUTE)
        known = space.now
        space.advance(11 * HOUR)
        self.assertEqual(20, sum(running(factory)[DRY] for factory in space.factories))
        scouts = [at for at, _ in space.started(DRY, known)]
        self.assertLessEqual(most_in_an_hour(scouts), SCOUTS_PER_HOUR)

    def test_slow_to_say(self) -> None:
        """Nor is a scout that aborts just before it is old enough."""
        space = few()
        space.advance(HOUR)
        space.lives[DRY] = idles(0.9 * FIZZLE, 0.98 * FIZZLE)
        space.advance(FIZZLE + 2 * MINUTE)
        known = space.now
        space.advance(12 * HOUR)
        scouts = [at for at, _ in space.started(DRY, known)]
        self.assertLessEqual(most_in_an_hour(scouts), SCOUTS_PER_HOUR)
        self.assertGreater(len(scouts), 12)

    def test_lost_datagrams(self) -> None:
        """With a quarter of all datagrams lost there are no more scouts, and the same shares."""
        space = few()
        space.loss = 0.25
        space.advance(6 * HOUR)
        self.assertEqual([], list(off(space.shares(12 * HOUR), SHARES)))
        self.assertLessEqual(self.scouts(space), SCOUTS_PER_HOUR)

    def test_clock_an_hour_off(self) -> None:
        """One factory's clock an hour ahead, another's behind: ages are right, and so is all."""
        space = few()
        space.factories[0].skew, space.factories[1].skew = HOUR, -HOUR
        space.advance(6 * HOUR)
        self.assertEqual([], list(off(space.shares(12 * HOUR), SHARES)))
        self.assertLessEqual(self.scouts(space), SCOUTS_PER_HOUR)
        aborts = []
        for factory in space.factories:
            abort = factory.histories[DRY].outlook.abort
            aborts.append((abort.machine, abort.at - factory.skew))
        self.assertEqual(1, len({machine for machine, _ in aborts}))
        moments = [at for _, at in aborts]
        self.assertLess(max(moments) - min(moments), 5.0)
        self.assertGreaterEqual(self.back(space), FEW * SLOTS // 2 - 3)

    def back(self, space: SimulatedSpace, hours: float = 12.0) -> float:
        """How many machines it has so long after its work is back."""
        space.lives[DRY] = works(HOUR, 6 * HOUR)
        space.advance(hours * HOUR)
        return space.running[DRY]

    def test_nobody_hears(self) -> None:
        """Factories that cannot hear each other are each its own space, and work on."""
        space = few()
        space.loss = 1.0
        space.advance(6 * HOUR)
        self.assertEqual(FEW * SLOTS, sum(space.running.values()))
        self.assertLessEqual(self.scouts(space), FEW * SCOUTS_PER_HOUR)

    def test_dying_scout(self) -> None:
        """A factory that dies while it has the scout is only missed for a while."""
        space = few()
        space.advance(HOUR)
        self.scouts(space, 6.0)
        while not space.running[DRY]:
            space.advance(10)
        [where] = [factory for factory in space.factories if running(factory)[DRY]]
        space.advance(2 * MINUTE if running(where)[DRY] else 0)
        space.lives[DRY] = works(HOUR, 6 * HOUR)
        space.kill(where)
        space.advance(12 * HOUR)
        wanted = (FEW - 1) * SLOTS // 2
        self.assertGreaterEqual(space.running[DRY], wanted - 3)
        where.up = True
        space.advance(12 * HOUR)
        self.assertEqual(SLOTS, sum(running(where).values()))
        self.assertAlmostEqual(FEW * SLOTS / 2, space.running[DRY], delta=2)

    def test_one_bad_factory(self) -> None:
        """
        A factory on which nothing works costs the space its shares, not its machines.

        Its aborts are the space's, for nobody can tell them from an end of all work. Once it is
        mended all is as before.
        """
        space = few()
        space.advance(6 * HOUR)
        bad = space.factories[2]
        space.broken[bad.name] = works(60.0, 180.0, "500 This host is broken")
        space.advance(6 * HOUR)
        since = space.now
        shares = space.shares(6 * HOUR)
        self.assertGreater(min(shares.values()), 0.05)
        others = sum(sum(running(f).values()) for f in space.factories if f is not bad)
        self.assertGreater(others, 0.9 * (FEW - 1) * SLOTS)
        for name in SHARES:
            here = [at for at, where in space.started(name, since) if where == bad.name]
            self.assertLess(len(here), 6 * SCOUTS_PER_HOUR * SLOTS / 2)
        del space.broken[bad.name]
        space.advance(12 * HOUR)
        self.assertEqual([], list(off(space.shares(6 * HOUR), SHARES)))


class ShareTests(SynchronousTestCase):
    def test_machinegroups(self) -> None:
        """Groups share by the sum of their members' scores, as everywhere in the family."""
        shares = {"atlas": 1.0, "atlas-mc": 1.0, "lhcb": 1.0}
        space = plenty(shares)
        types = [
            values.machinetype(
                name,
                target_share=share,
                machinegroup=name.partition("-")[0],
                backoff_seconds=BACKOFF,
            )
            for name, share in shares.items()
        ]
        space.add(FEW, types, total_processors=SLOTS)
        space.advance(6 * HOUR)
        got = space.shares(12 * HOUR)
        self.assertEqual([], list(off(got, {"atlas": 1.0, "atlas-mc": 1.0, "lhcb": 2.0})))

    def test_hs06(self) -> None:
        """Shares are of HS06: a fast factory's machines count for more."""
        space = plenty()
        space.add(FEW, machinetypes(), total_processors=SLOTS, hs06_per_processor=10.0)
        space.add(FEW, machinetypes(), total_processors=2 * SLOTS, hs06_per_processor=20.0)
        space.advance(6 * HOUR)
        self.assertEqual([], list(off(space.shares(6 * HOUR), SHARES)))

    def test_other_machinetypes(self) -> None:
        """A machinetype that only some factories know gets its share there, or all it can."""
        space = plenty()
        both = machinetypes()
        space.add(3, both, total_processors=SLOTS)
        space.add(3, both[1:], total_processors=SLOTS)
        space.advance(6 * HOUR)
        got = space.shares(12 * HOUR)
        self.assertEqual([], list(off(got, SHARES)))

    def test_superslots(self) -> None:
        """Machines of many sizes in superslots: shares hold, and nothing stands empty."""
        kinds = [
            values.machinetype(
                name,
                target_share=share,
                min_processors=least,
                max_processors=most,
                min_wallclock_seconds=600,
                max_wallclock_seconds=6 * int(HOUR),
                backoff_seconds=BACKOFF,
            )
            for name, share, least, most in (
                ("atlas", 3.0, 1, 8),
                ("lhcb", 2.0, 1, 1),
                ("cms", 1.0, 4, 4),
            )
        ]
        space = SimulatedSpace({name: works(DAY, DAY) for name in SHARES})
        space.add(FEW, kinds, total_processors=32, processors_per_superslot=8)
        space.advance(12 * HOUR)
        got = space.shares(24 * HOUR)
        self.assertEqual([], list(off(got, SHARES)), got)
        self.assertGreater(sum(space.running.values()), 0.9 * FEW * 32)

    def test_draining(self) -> None:
        """A draining factory starts nothing, and the others make up for what it has not."""
        space = plenty()
        space.add(FEW + 1, machinetypes(), total_processors=SLOTS)
        space.advance(6 * HOUR)
        drained = space.factories[0]
        drained.space = evolve(drained.space, draining=True)
        since = space.now
        space.advance(6 * HOUR)
        self.assertEqual(
            [], [at for at, _, where in space.made if at > since and where == drained.name]
        )
        self.assertEqual(0, sum(running(drained).values()))
        self.assertEqual([], list(off(space.shares(12 * HOUR), SHARES)))

    def test_lives_that_end_together(self) -> None:
        """Though all machines of the space end at once, their successors have the same shares."""
        space = plenty()
        space.lives = {name: works(2 * HOUR, 2 * HOUR + MINUTE) for name in SHARES}
        space.add(2 * FEW, machinetypes(), total_processors=32)
        space.advance(HOUR)
        self.assertEqual([], list(off(space.shares(4 * HOUR), SHARES)))

    def test_nobody_on_probation(self) -> None:
        """While all have work nobody waits for anybody."""
        space = few()
        space.advance(DAY)
        for factory in space.factories:
            outlooks = [history.outlook for history in factory.histories.values()]
            self.assertFalse(any(map(probation, outlooks)))
