"""Tests for vcycle.daemon.spaces: spaces come, change and go as they are configured."""

from __future__ import annotations

from typing import Any, Callable

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, space
from tests.daemon.ground import Ground
from tests.daemon.spoken import listening
from vcycle.core.config.model import Configuration, Problem, Settings, Space
from vcycle.core.errors import VcycleError
from vcycle.daemon.space import SpaceRunner
from vcycle.daemon.spaces import Spaces

SETTINGS = Settings(state_dir="/x", vacquery_port=0, vacquery_interface="", monitor_port=0)
ONE, TWO = "one.test", "two.test"
WRONG = (Problem(file="/etc/vcycle.conf", line=3, text="colour: no such option"),)


def one(**changes: Any) -> Space:
    return space(**{"name": ONE, "factory_name": "one.example.com", **changes})


def two(**changes: Any) -> Space:
    return space(**{"name": TWO, "factory_name": "two.example.com", **changes})


def configured(*spaces: Space) -> Configuration:
    return Configuration(settings=SETTINGS, spaces={s.name: s for s in spaces}, warnings=())


class SpacesCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.ground = Ground()
        self.left: list[str] = []
        self.broken: dict[str, Exception] = {}
        self.runners: dict[str, SpaceRunner] = {}
        self.spaces = Spaces(self.ground.reactor, self.build, self.left.append)
        self.spaces.startService()

    def build(self, wanted: Space, wake: Callable[[], None]) -> SpaceRunner:
        if wanted.name in self.broken:
            raise self.broken[wanted.name]
        self.runners[wanted.name] = self.ground.runner(wanted)
        return self.runners[wanted.name]

    def apply(self, *spaces: Space) -> list[str]:
        with listening() as said:
            self.spaces.apply(configured(*spaces))
        return said

    def pass_time(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.ground.reactor.advance(1.0)

    def machines(self, name: str) -> int:
        listed = self.ground.provider.machines.values()
        return len([m for m in listed if m.mark is not None and m.mark.space == name])


class ApplyTests(SpacesCase):
    def test_add(self) -> None:
        """A space that is configured runs, now or later; its neighbours go on."""
        self.apply(one(total_processors=4))
        self.assertEqual(4, self.machines(ONE))
        self.apply(one(total_processors=4), two(total_processors=8))
        self.assertEqual((4, 4), (self.machines(ONE), self.machines(TWO)))
        self.assertEqual([ONE, TWO], [each.name for each in self.spaces])

    def test_change(self) -> None:
        """A changed space takes effect with its next cycle, also in how often it cycles."""
        self.apply(one(total_processors=2))
        self.apply(one(total_processors=3, cycle_seconds=10.0))
        self.pass_time(10)
        self.assertEqual(3, self.machines(ONE))

    def test_fixed(self) -> None:
        """What machines were made with stays until the next start; that is said once for each."""
        self.apply(one())
        other = one(factory_name="three.example.com", guest_http_port=8080, total_processors=9)
        said = [self.apply(other), self.apply(other), self.apply(one()), self.apply(other)]
        lines = [
            f"warn: Configuration: [space {ONE}] {what} takes effect at the next start"
            for what in ("factory_name = three.example.com", "guest_http_port = 8080")
        ]
        self.assertEqual([lines, [], [], lines], said)
        running = self.runners[ONE].space
        self.assertEqual(("one.example.com", 80), (running.factory_name, running.guest_http_port))
        self.assertEqual(9, running.total_processors)

    def test_cannot_be_built(self) -> None:
        """A space that cannot run is told, and is no reason for the others not to."""
        for failure in (VcycleError("no fence"), KeyError("surprise")):
            self.broken[ONE] = failure
            said = self.apply(one(), two(total_processors=2))
            self.assertEqual(2, self.machines(TWO))
            if isinstance(failure, VcycleError):
                self.assertEqual(f"warn: {ONE}: the space cannot run: no fence", said[0])
        self.assertEqual(1, len(self.flushLoggedErrors(KeyError)))
        self.broken.clear()
        self.apply(one(total_processors=8), two(total_processors=2))
        self.assertEqual(6, self.machines(ONE))


class LeavingTests(SpacesCase):
    def setUp(self) -> None:
        super().setUp()
        self.apply(one(total_machines=2), two(total_machines=2))

    def test_drains(self) -> None:
        """A space that is no longer configured makes no machine, and goes on with those it has."""
        self.apply(two(total_machines=2))
        self.pass_time(180)
        self.assertEqual(2, self.machines(ONE))
        for uuid in list(self.ground.provider.machines):
            self.ground.provider.end(uuid)
        self.pass_time(60)
        self.assertEqual(0, self.machines(ONE))
        self.assertNotEqual(0, self.machines(TWO))

    def test_left(self) -> None:
        """Once its last machine is over the space is left, and no timer of it."""
        self.apply(two(total_machines=2))
        for uuid in list(self.ground.provider.machines):
            self.ground.provider.end(uuid)
        with listening() as said:
            self.pass_time(61)
        self.assertIn(f"info: {ONE}: its last machine is over; the space is left", said)
        self.assertEqual([ONE], self.left)
        self.assertEqual([TWO], [each.name for each in self.spaces])

    def test_comes_back(self) -> None:
        """A space that is configured again before it is left goes on as if nothing had been."""
        self.apply(two(total_machines=2))
        self.pass_time(60)
        self.apply(one(total_machines=3), two(total_machines=2))
        self.pass_time(60)
        self.assertEqual(3, self.machines(ONE))
        self.assertEqual([], self.left)

    def test_files_become_right(self) -> None:
        """To hear that the files are right again is nothing to a space that is leaving."""
        self.apply(two(total_machines=2))
        for problems in (WRONG, ()):
            self.spaces.refuse(problems)
            self.assertEqual(
                ("the space is no longer configured",), self.runners[ONE].problems, problems
            )


class RefuseTests(SpacesCase):
    def test_refuse(self) -> None:
        """With wrong files nothing is created, and the first problem is told as the reason."""
        self.apply(one(total_processors=4))
        self.pass_time(700)
        self.spaces.refuse(WRONG)
        for uuid in list(self.ground.provider.machines)[:2]:
            self.ground.provider.end(uuid)
        self.pass_time(60)
        self.assertEqual(2, self.machines(ONE))
        reason = "the configuration is wrong: /etc/vcycle.conf:3: colour: no such option"
        self.assertEqual((reason,), self.ground.published[-1].problems)
        self.spaces.refuse(())
        self.pass_time(60)
        self.assertEqual(4, self.machines(ONE))

    def test_forgive(self) -> None:
        """What was refused for good is asked again when an administrator says so."""
        self.apply(one(total_processors=1))
        cycle = self.runners[ONE].cycle
        assert cycle is not None
        cycle.knowledge.blocked["pilot"] = "no such device"
        self.spaces.forgive()
        self.assertEqual({}, cycle.knowledge.blocked)


class WakeTests(SpacesCase):
    def test_by_provider(self) -> None:
        """An event wakes the spaces of its provider, and a signal all."""
        self.apply(one(), two(libvirt_uri="test:///other"))
        for uri, count in (("test:///other", 1), (None, 2), ("test:///third", 0)):
            before = len(self.ground.published)
            self.spaces.wake(uri)
            self.ground.reactor.advance(0)
            self.assertEqual(count, len(self.ground.published) - before, uri)

    def test_stop(self) -> None:
        """Stopping waits for the cycles that run; no timer stays."""
        self.ground.provider.hang = True
        self.apply(one(), two())
        stopped = self.spaces.stopService()
        assert isinstance(stopped, Deferred)
        self.assertNoResult(stopped)
        self.ground.provider.hang = False
        self.ground.provider.release()
        self.successResultOf(stopped)
        self.assertEqual([], self.ground.reactor.getDelayedCalls())
        self.assertGreaterEqual(self.ground.reactor.seconds(), NOW)


class LetGoTests(SpacesCase):
    def let_go(self, *spaces: Space) -> None:
        with listening() as said:
            self.spaces.let_go(spaces)
        self.said = said

    def test_supervised(self) -> None:
        """A space of a former daemon's is supervised to its end, and makes nothing new."""
        self.apply(one(total_machines=2))
        self.successResultOf(self.spaces.stopService())
        self.setUpAgain()
        self.apply(two(total_machines=1))
        self.let_go(one())
        self.assertTrue(self.spaces.leaving)
        self.pass_time(60)
        self.assertEqual((2, 1), (self.machines(ONE), self.machines(TWO)))
        for uuid in list(self.ground.provider.machines):
            self.ground.provider.end(uuid)
        self.pass_time(120)
        self.assertEqual(([ONE], False), (self.left, self.spaces.leaving))

    def setUpAgain(self) -> None:
        """Another daemon on the same ground."""
        self.spaces = Spaces(self.ground.reactor, self.build, self.left.append)
        self.spaces.startService()

    def test_nothing_there(self) -> None:
        """One without machines is left with its next cycle, and none was made."""
        self.let_go(one())
        self.pass_time(61)
        self.assertEqual(([ONE], 0), (self.left, self.ground.provider.creates))

    def test_running(self) -> None:
        """A space that is configured is not let go."""
        self.apply(one(total_machines=2))
        self.let_go(one())
        self.assertFalse(self.spaces.leaving)

    def test_cannot_run(self) -> None:
        """One that cannot run is told."""
        self.broken[ONE] = VcycleError("no fence")
        self.let_go(one())
        self.assertEqual([f"warn: {ONE}: the space cannot run: no fence"], self.said)
        self.assertFalse(self.spaces.leaving)
