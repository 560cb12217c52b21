"""Tests for vcycle.daemon.factory."""

from __future__ import annotations

from attrs import Factory, define
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.spoken import listening
from vcycle.core.errors import CallTimedOut
from vcycle.daemon.factory import BURST, EVERY, FactoryService

INTERVAL = 60.0


@define
class Cycles:
    """Cycles that end at once, or once ``finish`` is called if they are ``slow``."""

    clock: Clock
    slow: bool = False
    failure: Exception | None = None
    began: list[tuple[float, bool]] = Factory(list)
    running: list[Deferred[None]] = Factory(list)

    async def __call__(self, early: bool) -> None:
        self.began.append((self.clock.seconds(), early))
        if self.failure is not None:
            raise self.failure
        if self.slow:
            self.running.append(Deferred())
            await self.running[-1]

    def finish(self) -> None:
        self.running.pop().callback(None)


class FactoryCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.cycles = Cycles(self.clock)
        self.factory = FactoryService(self.clock, INTERVAL, self.cycles)
        self.factory.setName("space.example.com")
        self.addCleanup(self.no_timers)

    def no_timers(self) -> None:
        if self.factory.running:
            self.factory.stopService()
        self.assertEqual([], self.clock.getDelayedCalls())

    @property
    def regular(self) -> list[float]:
        return [at for at, early in self.cycles.began if not early]

    @property
    def early(self) -> list[float]:
        return [at for at, early in self.cycles.began if early]


class RegularTests(FactoryCase):
    def test_interval(self) -> None:
        """The first cycle comes at once, the next ones at the interval."""
        self.factory.startService()
        self.clock.pump([30.0] * 6)
        self.assertEqual([0.0, 60.0, 120.0, 180.0], self.regular)
        self.assertEqual([], self.early)

    def test_phase(self) -> None:
        """Factories that start together have their other cycles at moments of their own."""
        self.factory = FactoryService(self.clock, INTERVAL, self.cycles, 0.25)
        self.factory.startService()
        self.clock.pump([15.0] * 10)
        self.assertEqual([0.0, 15.0, 75.0, 135.0], self.regular)
        self.factory.stopService()
        self.factory.startService()
        self.factory.interval = 20.0
        self.clock.pump([5.0] * 6)
        self.assertEqual([150.0, 155.0, 175.0], self.regular[4:])
        self.factory.stopService()
        self.factory.startService()

    def test_never_two(self) -> None:
        """A cycle that takes longer than the interval leaves cycles out, and never meets one."""
        self.cycles.slow = True
        self.factory.startService()
        self.clock.pump([50.0] * 3)
        self.assertEqual([0.0], self.regular)
        self.cycles.finish()
        self.assertEqual([0.0], self.regular)
        self.clock.advance(30.0)
        self.assertEqual([0.0, 180.0], self.regular)
        self.cycles.finish()

    def test_unforeseen_failure(self) -> None:
        """A cycle that fails is logged with its traceback, and the next one runs."""
        self.cycles.failure = KeyError("surprise")
        self.factory.startService()
        self.assertEqual(1, len(self.flushLoggedErrors(KeyError)))
        self.cycles.failure = None
        self.clock.advance(INTERVAL)
        self.assertEqual([0.0, 60.0], self.regular)

    def test_foreseen_failure(self) -> None:
        """A thread that was given up is one clear line."""
        self.cycles.failure = CallTimedOut("no answer within 60 s")
        with listening() as said:
            self.factory.startService()
        self.assertEqual(
            [
                "error: space.example.com: this cycle ended early, the next comes within 60s:"
                " no answer within 60 s"
            ],
            said,
        )
        self.assertEqual([], self.flushLoggedErrors())

    def test_other_interval(self) -> None:
        """Another interval counts from now on, not after the rest of the former one."""
        self.factory.startService()
        self.factory.interval = 3600.0
        self.clock.advance(100.0)
        self.factory.interval = 10.0
        self.clock.pump([10.0, 10.0])
        self.assertEqual([0.0, 110.0, 120.0], self.regular)

    def test_same_interval(self) -> None:
        """To say the interval again, as each reading of the configuration does, changes nothing."""
        self.factory.startService()
        for _ in range(6):
            self.clock.advance(20.0)
            self.factory.interval = INTERVAL
        self.assertEqual([0.0, 60.0, 120.0], self.regular)


class EarlyTests(FactoryCase):
    def setUp(self) -> None:
        super().setUp()
        self.factory.startService()

    def wake(self, times: int = 1) -> None:
        for _ in range(times):
            self.factory.wake()
            self.clock.advance(0)

    def test_at_once(self) -> None:
        """A wake brings an early cycle at once, and takes nothing from the regular ones."""
        self.clock.advance(10.0)
        self.wake()
        self.assertEqual([10.0], self.early)
        self.clock.advance(50.0)
        self.assertEqual([0.0, 60.0], self.regular)

    def test_one_for_many(self) -> None:
        """Many wakes at one moment are one cycle."""
        self.clock.advance(10.0)
        for _ in range(100):
            self.factory.wake()
        self.clock.advance(0)
        self.assertEqual([10.0], self.early)

    def test_bucket(self) -> None:
        """A burst comes at once, then one in a while; nobody can make us look all the time."""
        self.clock.advance(10.0)
        self.wake(BURST + 1)
        self.assertEqual([10.0] * BURST, self.early)
        for _ in range(400):
            self.factory.wake()
            self.clock.advance(0.1)
        steps = [
            after - before for before, after in zip(self.early[BURST:], self.early[BURST + 1 :])
        ]
        self.assertTrue(steps)
        self.assertTrue(all(step >= EVERY - 0.2 for step in steps), steps)

    def test_during_a_cycle(self) -> None:
        """What happens during a cycle may have come too late for it: another one follows."""
        self.cycles.slow = True
        self.clock.advance(INTERVAL)
        self.wake(10)
        self.assertEqual([], self.early)
        self.cycles.slow = False
        self.cycles.finish()
        self.clock.advance(0)
        self.assertEqual([60.0], self.early)
        self.clock.advance(10)
        self.assertEqual([60.0], self.early)

    def test_regular_takes_its_place(self) -> None:
        """A regular cycle that comes first is what the wake asked for."""
        self.clock.advance(INTERVAL - 1.0)
        self.wake(BURST)
        self.factory.wake()
        self.clock.advance(1.0)
        self.clock.advance(30.0)
        self.assertEqual(BURST, len(self.early))
        self.assertEqual([0.0, 60.0], self.regular)

    def test_regular_is_late(self) -> None:
        """A regular cycle whose time comes during an early one follows it; it is not lost."""
        self.clock.advance(INTERVAL - 1.0)
        self.cycles.slow = True
        self.wake()
        self.clock.pump([1.0, 9.0])
        self.assertEqual([0.0], self.regular)
        self.cycles.slow = False
        self.cycles.finish()
        self.assertEqual([0.0, 69.0], self.regular)
        self.clock.advance(51.0)
        self.assertEqual([0.0, 69.0, 120.0], self.regular)

    def test_not_running(self) -> None:
        """Before the start and after the stop nobody can be woken."""
        self.factory.stopService()
        self.wake()
        self.clock.advance(INTERVAL)
        self.assertEqual([], self.early)


class StopTests(FactoryCase):
    def test_idle(self) -> None:
        """An idle factory stops at once, and leaves no timer."""
        self.factory.startService()
        self.factory.wake()
        self.successResultOf(self.factory.stopService())
        self.assertEqual([], self.clock.getDelayedCalls())
        self.clock.advance(INTERVAL)
        self.assertEqual([0.0], self.regular)

    def test_waits(self) -> None:
        """Stopping waits for the cycle that runs, and none follows it."""
        self.cycles.slow = True
        self.factory.startService()
        self.factory.wake()
        stopped = self.factory.stopService()
        self.assertNoResult(stopped)
        self.cycles.finish()
        self.successResultOf(stopped)
        self.assertEqual([], self.clock.getDelayedCalls())
        self.assertEqual(1, len(self.cycles.began))

    def test_foreseen_while_stopping(self) -> None:
        """That a last cycle lost its threads is no line: no next one is to come."""
        self.cycles.slow = True
        self.factory.startService()
        stopped = self.factory.stopService()
        with listening() as said:
            self.cycles.running.pop().errback(CallTimedOut("the pool was stopped"))
        self.successResultOf(stopped)
        self.assertEqual([], said)

    def test_waits_for_a_failure(self) -> None:
        """A last cycle that fails ends the wait as well."""
        self.cycles.slow = True
        self.factory.startService()
        stopped = self.factory.stopService()
        self.cycles.running.pop().errback(KeyError("surprise"))
        self.successResultOf(stopped)
        self.assertEqual(1, len(self.flushLoggedErrors(KeyError)))


class SilenceTests(FactoryCase):
    def test_silence(self) -> None:
        """How long ago a cycle last ended is known, so that one which hangs is noticed."""
        self.clock.advance(5.0)
        self.factory.startService()
        self.clock.advance(7.0)
        self.assertEqual(7.0, self.factory.silence)
        self.cycles.slow = True
        self.clock.advance(INTERVAL - 7.0)
        self.clock.advance(1000.0)
        self.assertEqual(1000.0 + INTERVAL, self.factory.silence)
        self.cycles.slow = False
        self.cycles.finish()
        self.assertLess(self.factory.silence, 1.0)
