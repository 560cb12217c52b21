"""The promises, each kept in a simulated world; each test is named after its promise."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.stories.world import (
    DAY,
    HOUR,
    OWNER,
    SPACE,
    World,
    hangs,
    machinetype,
    settings,
    works,
)
from vcycle.core.errors import Unreachable
from vcycle.core.machine import Condition, Mark, Outcome, State
from vcycle.core.recordtext import encode
from vcycle.testing.provider import Fate

OTHER = "other.example.com"
FOREIGN = "8f3d4d40-013d-422a-b550-d6ea29f6e357"


def small(processors: int = 4, more: str = "") -> World:
    """A factory whose machines work for hours."""
    return World(settings(processors) + machinetype(more=more), {"atlas": works(5 * HOUR)})


class PromiseTests(SynchronousTestCase):
    def test_01_intent_before_create(self) -> None:
        """When the provider is asked for a machine, its record is on disk already."""
        world = small()
        world.provider.hang = True
        world.boot().advance(1)
        self.assertEqual(0, world.provider.creates)
        world.provider.hang = False
        world.provider.release()
        world.provider.hang = True
        world.advance(61)
        world.provider.hang = False
        world.provider.release()
        world.advance(1)
        for uuid in world.provider.machines:
            self.assertIn(uuid, {record.uuid for record in world.records()})

    def test_02_lost_answer(self) -> None:
        """A machine whose creation was not answered is matched by its uuid in the next cycle."""
        world = small(2)
        world.provider.fates.append(Fate.LOST_MADE)
        world.boot().advance(62)
        self.assertEqual(2, len(world.provider.machines))
        self.assertEqual(set(world.provider.machines), {record.uuid for record in world.living()})
        world.advance(HOUR)
        self.assertEqual(2, len(world.provider.machines))
        self.assertEqual(2, len(world.living()))

    def test_02_lost_for_ever(self) -> None:
        """A machine that was asked for and is nowhere to be seen is over, and is an abort."""
        world = small(1)
        world.provider.fates.append(Fate.LOST)
        world.boot().advance(200)
        [lost] = world.over()
        self.assertEqual((Outcome.NEVER_STARTED, True), (lost.outcome, lost.abort))

    def test_02_late_machine(self) -> None:
        """A machine that comes after it was given up is taken back, never doubled."""
        world = small(1, "backoff_seconds = 86400")
        world.provider.fates.append(Fate.DELAYED)
        world.boot().advance(300)
        self.assertEqual(1, len(world.over()))
        world.provider.arrive()
        world.advance(120)
        self.assertEqual(1, len(world.living()))
        self.assertEqual(set(world.provider.machines), {r.uuid for r in world.living()})

    def test_03_foreign_machines(self) -> None:
        """Machines that are not ours, or only look so, are never touched."""
        world = small(2).boot().advance(1)
        ours = world.living()[0]
        mark = Mark(
            owner="ffffffffffffffff", space=SPACE, uuid=FOREIGN, name="x", facts=encode(ours)
        )
        world.provider.put(FOREIGN, "factory1-07.example.com", mark=mark)
        world.provider.put(FOREIGN.replace("8", "9"), "somebody.example.com")
        liar = evolve(mark, owner=OWNER)
        world.provider.put(FOREIGN.replace("8", "7"), "liar.example.com", mark=liar)
        world.configure(settings(2, "shutdown_time = 1767227000") + machinetype())
        world.advance(2 * HOUR)
        self.assertEqual(3, len(world.provider.machines))
        self.assertEqual([], world.living())

    def test_04_no_answer(self) -> None:
        """While the provider does not answer nothing is made, ended or believed gone."""
        world = small(4).boot().advance(HOUR)
        before = set(world.provider.machines)
        world.provider.broken = Unreachable("connection refused")
        calls = (world.provider.creates, world.provider.destroys)
        world.advance(3 * HOUR)
        self.assertEqual(calls, (world.provider.creates, world.provider.destroys))
        self.assertEqual([], world.over())
        self.assertEqual("vetoed", world.verdicts()["atlas"])
        world.provider.broken = None
        world.advance(61)
        self.assertEqual(before, set(world.provider.machines))

    def test_04_partial_list(self) -> None:
        """A machine missing from an incomplete list is not gone."""
        world = small(4).boot().advance(HOUR)
        world.provider.hidden.add(next(iter(world.provider.machines)))
        creates = world.provider.creates
        world.advance(HOUR)
        self.assertEqual([], world.over())
        self.assertEqual(creates, world.provider.creates)

    def test_05_deadlines(self) -> None:
        """A machine that said it is done and stays, or is paused, is destroyed in time."""
        world = small(2).boot()
        world.lives["atlas"] = lambda guest: guest.put("shutdown_message", "200 Done")
        world.advance(10 * 60)
        self.assertEqual("200 Done", world.over()[0].message)
        world.lives["atlas"] = hangs
        world.advance(10 * 60)
        world.provider.turn(world.living()[0].uuid, Condition.PAUSED)
        world.advance(61)
        self.assertIn(Outcome.PAUSED, {record.outcome for record in world.over()})

    def test_07_no_space_delays_another(self) -> None:
        """A space whose disk is full and whose files are wrong does not hold up its neighbour."""
        text = (
            "[settings]\nlibvirt_uri = test:///default\ntotal_processors = 4\n"
            f"[space {SPACE}]\nfactory_name = factory1.example.com\n"
            f"[space {OTHER}]\nfactory_name = factory2.example.com\n"
        )
        for space in (SPACE, OTHER):
            text += machinetype(f"{space} atlas").replace("/images/" + f"{space} ", "/images/")
        world = World(text, {"atlas": works(HOUR)}).boot()
        world.stores[SPACE].full = True
        world.advance(DAY)
        self.assertEqual([], list(world.stores[SPACE].records.values()))
        self.assertEqual(4, len([r for r in world.living() if r.space == OTHER]))

    def test_09_budget(self) -> None:
        """Spaces on one provider never use more than their budget together."""
        text = (
            "[settings]\nlibvirt_uri = test:///default\ntotal_processors = 6\n"
            f"[space {SPACE}]\nfactory_name = factory1.example.com\n"
            f"[space {OTHER}]\nfactory_name = factory2.example.com\n"
        )
        for space in (SPACE, OTHER):
            text += machinetype(f"{space} atlas").replace("/images/" + f"{space} ", "/images/")
        world = World(text, {"atlas": works(HOUR)}).boot()
        for _ in range(200):
            world.advance(97)
            self.assertLessEqual(len(world.provider.machines), 6)
        self.assertEqual(6, len(world.provider.machines))

    def test_09_doomed_count(self) -> None:
        """A machine that cannot be destroyed goes on counting."""
        world = small(2, "max_wallclock_seconds = 3600").boot()
        world.lives["atlas"] = hangs
        world.advance(3500)
        stuck = set(world.provider.machines)
        world.provider.stubborn = True
        world.advance(2 * HOUR)
        self.assertEqual(stuck, set(world.provider.machines))
        self.assertEqual({State.DOOMED}, {r.state for r in world.snapshot.machines})

    def test_11_bad_configuration(self) -> None:
        """A wrong file creates nothing and ends nothing; supervision goes on as before."""
        world = small(2, "max_wallclock_seconds = 7200").boot()
        world.lives["atlas"] = hangs
        world.advance(60)
        world.configure("[settings]\nnonsense\n")
        world.advance(3 * HOUR)
        self.assertEqual([], world.living())
        self.assertEqual({Outcome.OVERTIME}, {record.outcome for record in world.over()})
        self.assertEqual(2, len(world.made))
        world.configure(settings(2) + machinetype())
        world.advance(61)
        self.assertEqual(2, len(world.living()))

    def test_12_full_disk(self) -> None:
        """A full disk stops creations; what has to end ends all the same."""
        world = small(2, "max_wallclock_seconds = 7200").boot()
        world.lives["atlas"] = hangs
        world.advance(60)
        world.stores[SPACE].full = True
        world.advance(3 * HOUR)
        self.assertEqual({}, world.provider.machines)
        self.assertEqual(2, len(world.made))
        world.stores[SPACE].full = False
        world.advance(61)
        self.assertEqual(2, len(world.living()))
        self.assertEqual(2, len(world.over()))

    def test_13_clock_step(self) -> None:
        """A clock that is set, back or forth, ends no machine early or late."""
        for step in (-5000.0, 5000.0):
            world = small(2, "max_wallclock_seconds = 7200\nheartbeat_file = heartbeat").boot()
            world.lives["atlas"] = lambda guest: guest.beat(60)
            world.advance(3600)
            world.skew = step
            world.advance(3500)
            self.assertEqual([], world.over(), step)
            world.advance(200)
            self.assertEqual(2, len(world.over()), step)

    def test_13_clock_step_over_restart(self) -> None:
        """A clock that is set while the daemon is down ends no machine early either."""
        world = small(2, "max_wallclock_seconds = 7200").boot()
        world.lives["atlas"] = hangs
        world.advance(3600)
        world.kill()
        world.skew = 5000.0
        world.boot().advance(3400)
        self.assertEqual([], world.over())
        world.advance(300)
        self.assertEqual(2, len(world.over()))

    def test_15_vanished(self) -> None:
        """A machine that vanishes without a word counts as an abort, and has its true end."""
        world = small(1).boot().advance(HOUR)
        world.provider.vanish(world.living()[0].uuid)
        world.advance(61)
        [gone] = world.over()
        self.assertEqual((Outcome.VANISHED, True), (gone.outcome, gone.abort))

    def test_15_mass_vanish(self) -> None:
        """When most machines vanish at once, one look is not enough to believe it."""
        world = small(8).boot().advance(HOUR)
        for uuid in list(world.provider.machines):
            world.provider.vanish(uuid)
        world.advance(60)
        self.assertEqual([], world.over())
        world.advance(60)
        self.assertEqual(8, len(world.over()))

    def test_16_hostile_messages(self) -> None:
        """Whatever a machine says, the daemon goes on, and it is one short printable line."""
        for text in ("\x00\x1b[2J" * 99, "999 " + "x" * 100_000, "300\r\nnext", "é" * 500, ""):
            world = small(1).boot()
            world.lives["atlas"] = lambda guest, text=text: guest.after(  # type: ignore[misc]
                60, lambda: guest.finish(text)
            )
            world.advance(DAY)
            message = world.over()[0].message or ""
            self.assertLessEqual(len(message), 200)
            self.assertTrue(message.isprintable(), message)


class DrainingTests(SynchronousTestCase):
    def test_draining(self) -> None:
        """With draining = yes machines go on and none is made."""
        world = small(4).boot().advance(60)
        world.configure(settings(4, "draining = yes") + machinetype())
        world.advance(HOUR)
        self.assertEqual(4, len(world.living()))
        world.advance(5 * HOUR)
        self.assertEqual([], world.living())
        self.assertEqual(4, len(world.made))

    def test_shutdown_time(self) -> None:
        """A shutdown_time shortens every machine's time, and ends those that stay."""
        world = small(2).boot().advance(60)
        until = int(world.now() + HOUR)
        more = "min_wallclock_seconds = 1800"
        world.configure(settings(2, f"shutdown_time = {until}") + machinetype(more=more))
        world.advance(61)
        self.assertEqual({float(until)}, {r.shutdown_time for r in world.living()})
        world.advance(HOUR + 61)
        self.assertEqual([], world.living())
        self.assertEqual({"700 Passed shutdowntime"}, {r.message for r in world.over()})

    def test_space_removed(self) -> None:
        """A space that is no longer configured drains to its end, and is left."""
        world = small(2).boot().advance(60)
        world.configure(settings(2, space=OTHER) + machinetype())
        world.advance(HOUR)
        self.assertEqual(2, len([r for r in world.living() if r.space == SPACE]))
        world.advance(6 * HOUR)
        self.assertEqual([], [r for r in world.living() if r.space == SPACE])
        self.assertEqual([OTHER], [service.name for service in world.spaces or ()])

    def test_adopted(self) -> None:
        """A machine whose directory was lost is taken back from its own mark."""
        world = small(2).boot().advance(60)
        world.kill()
        world.stores[SPACE].records.clear()
        world.boot().advance(HOUR)
        self.assertEqual(set(world.provider.machines), {record.uuid for record in world.living()})
        self.assertEqual(2, len(world.made))
