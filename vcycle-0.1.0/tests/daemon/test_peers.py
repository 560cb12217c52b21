"""Tests for vcycle.daemon.peers: when others are asked, what stays known, what is told."""

from __future__ import annotations

from typing import Any

from attrs import define, evolve
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from tests.contracts.peers import SECOND, SPACE, THIRD, report
from tests.core.values import FACTORY, NOW, machinetype, space
from tests.daemon.ground import Ground
from tests.daemon.spoken import listening
from vcycle.core.config.model import Space
from vcycle.core.peers import PeerReport, Peers, patience
from vcycle.daemon.peers import MOST_LINES, LatestPeers, nobody
from vcycle.interfaces import IPeers
from vcycle.testing.peers import MemoryPeers


@implementer(IPeers)
@define
class BrokenPeers:
    """Peers with a fault in them."""

    async def ask(self, of: Space) -> Peers:
        raise ZeroDivisionError


@define
class Watch:
    """A clock that the test sets."""

    at: float = NOW

    def __call__(self) -> float:
        return self.at


class LatestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Watch()
        self.memory = MemoryPeers(self.clock)
        self.latest = LatestPeers(self.memory, self.clock)
        self.said: list[str] = []

    def look(self, early: bool = False, of: Space = SPACE) -> Peers:
        with listening() as said:
            found: Peers = self.successResultOf(self.latest.look(of, early))
        self.said = list(said)
        return found

    def tell(self, *names: str, **changes: Any) -> None:
        self.memory.told = {name: (report(**changes),) for name in names}


class LookTests(LatestCase):
    def test_regular(self) -> None:
        """A regular cycle asks each time."""
        self.tell(SECOND, THIRD)
        for _ in range(2):
            self.assertEqual({SECOND, THIRD}, self.look().alive)
        self.assertEqual(2, self.memory.asked)

    def test_early(self) -> None:
        """An early cycle asks nobody: it knows what the last round brought."""
        self.assertEqual(Peers(), self.look(early=True))
        self.tell(SECOND, THIRD)
        found = self.look()
        self.clock.at += patience(SPACE)
        self.assertEqual(found, self.look(early=True))
        self.clock.at += 1.0
        self.assertEqual(Peers(), self.look(early=True))
        self.assertEqual(1, self.memory.asked)

    def test_clock_set_back(self) -> None:
        """What was heard in the future was heard before the clock was set: it is not used."""
        self.tell(SECOND, THIRD)
        self.look()
        self.clock.at -= 3600.0
        self.assertEqual(Peers(), self.look(early=True))
        self.memory.told = {}
        self.assertEqual((), self.look().reports)

    def test_silent(self) -> None:
        """What a silent factory told last stays known, as long as its word is believed."""
        self.tell(SECOND, THIRD)
        self.look()
        self.tell(SECOND)
        heard_at = self.clock.at
        for seconds in (60.0, patience(SPACE)):
            self.clock.at = heard_at + seconds
            found = self.look()
            self.assertEqual([SECOND, THIRD], [each.factory for each in found.reports])
            self.assertEqual({SECOND}, found.alive)
        self.clock.at += 1.0
        self.assertEqual([SECOND], [each.factory for each in self.look().reports])

    def test_answer_lost(self) -> None:
        """Of a factory that answers otherwise, a lost answer is missed as briefly."""
        self.tell(SECOND)
        self.look()
        self.tell(SECOND, machinetype="other")
        words = {(each.factory, each.machinetype) for each in self.look().reports}
        self.assertEqual({(SECOND, "pilot"), (SECOND, "other")}, words)
        self.clock.at += patience(SPACE) + 1.0
        self.tell(SECOND, machinetype="other")
        self.assertEqual({"other"}, {each.machinetype for each in self.look().reports})

    def test_fault(self) -> None:
        """A fault while asking is logged, and the cycle goes on with what is known."""
        self.tell(SECOND, THIRD)
        found = self.look()
        self.latest.peers = BrokenPeers()
        self.assertEqual(found, self.look())
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))

    def test_spaces(self) -> None:
        """Spaces are apart, and one that is left is forgotten."""
        self.tell(SECOND, THIRD)
        self.look()
        self.assertEqual(Peers(), self.look(early=True, of=evolve(SPACE, name="other.test")))
        self.latest.withdraw(SPACE.name)
        self.assertEqual(Peers(), self.look(early=True))

    def test_nobody(self) -> None:
        """Where nobody is asked nothing is known."""
        self.assertEqual(Peers(), self.successResultOf(nobody(SPACE, False)))


class TellTests(LatestCase):
    def test_once(self) -> None:
        """That a factory is silent, and that it is back, is said once."""
        self.tell(SECOND)
        self.look()
        self.assertEqual(1, len(self.said), self.said)
        self.assertIn(f"{THIRD} does not answer: ", self.said[0])
        self.look()
        self.assertEqual([], self.said)
        self.tell(SECOND, THIRD)
        self.look()
        self.assertIn(f"{THIRD} is not missing any more", self.said[0])
        self.look()
        self.assertEqual([], self.said)

    def test_many(self) -> None:
        """When a hundred fall silent a few are named and the others counted."""
        names = [f"f{n}.example.com" for n in range(100)]
        self.look(of=evolve(SPACE, factories=(FACTORY, *names)))
        self.assertEqual(MOST_LINES + 1, len(self.said))
        self.assertIn(f"{100 - MOST_LINES} more factories do not answer", self.said[-1])


class CycleTests(SynchronousTestCase):
    def test_told_to_the_plan(self) -> None:
        """What peers run counts: with the whole share elsewhere, the other machinetype starts."""
        ground = Ground()
        busy: PeerReport = report("pilot", running_hs06=500.0, young=0)
        ground.peers.told = {SECOND: (busy,)}
        of = space(
            machinetype("pilot"),
            machinetype("other"),
            factories=(FACTORY, SECOND),
            total_processors=2,
        )
        self.successResultOf(ground.runner(of).run(False))
        self.assertEqual({"other"}, {r.machinetype for r in ground.disk.records.values()})

    def test_early_asks_nobody(self) -> None:
        """Only regular cycles ask."""
        ground = Ground()
        runner = ground.runner(space(factories=(FACTORY, SECOND)))
        for early in (True, False, True, True):
            self.successResultOf(runner.run(early))
        self.assertEqual(1, ground.peers.asked)

    def test_ended(self) -> None:
        """Who wants to be told of a machine's end is told, with its true end."""
        ground = Ground()
        runner = ground.runner(space(total_processors=1))
        for _ in range(2):
            self.successResultOf(runner.run(False))
        gone = next(iter(ground.provider.machines))
        ground.provider.end(gone)
        self.successResultOf(runner.run(False))
        [record] = ground.ended
        self.assertEqual(gone, record.uuid)
        self.assertIsNotNone(record.ended_at)
