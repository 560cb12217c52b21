"""The promises of IPeers, to be run against all that knows the other factories."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from attrs import evolve
from zope.interface.verify import verifyObject

from tests.core.values import FACTORY, NOW, space
from vcycle.core.config.model import Space
from vcycle.core.peers import PeerReport, Peers
from vcycle.interfaces import IPeers

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase as Base
else:
    Base = ABC

SECOND = "factory2.example.com"
THIRD = "factory3.example.com"
SPACE = space(factories=(FACTORY, SECOND, THIRD), udp_timeout_seconds=5.0)


def report(machinetype: str = "pilot", **changes: Any) -> PeerReport:
    """What a factory with two machines of one processor says."""
    wanted: dict[str, Any] = {
        "factory": "",
        "machinetype": machinetype,
        "running_hs06": 20.0,
        "running_machines": 2,
        "running_processors": 2,
        "young": 1,
        "heard_at": 0.0,
    }
    return PeerReport(**{**wanted, **changes})


class PeersContract(Base):
    """Mix into a SynchronousTestCase that sets ``peers``."""

    peers: IPeers

    @abstractmethod
    def now(self) -> float:
        """Unix seconds by the asker's clock."""

    @abstractmethod
    def tell(self, factory: str, *reports: PeerReport) -> None:
        """From now on this factory is alive, and tells this, as it is by our clock."""

    @abstractmethod
    def end(self, answer: object) -> Peers:
        """What comes of it, once time has passed."""

    def ask(self, of: Space = SPACE) -> Peers:
        return self.end(self.peers.ask(of))

    def test_interface(self) -> None:
        """It declares and provides the whole interface."""
        self.assertTrue(verifyObject(IPeers, self.peers))

    def test_alone(self) -> None:
        """Where there are no others, the round is over at once and brings nothing."""
        began = self.now()
        for factories in ((), (FACTORY,)):
            found = self.ask(evolve(SPACE, factories=factories))
            self.assertEqual(Peers(asked_at=began), found)

    def test_told(self) -> None:
        """What each machinetype of each factory does is told as it is."""
        self.tell(SECOND, report("pilot"), report("other", running_hs06=0.0, young=0))
        self.tell(THIRD, report("pilot", running_machines=1, running_processors=0))
        found = self.ask()
        self.assertEqual({SECOND, THIRD}, found.alive)
        self.assertEqual({}, found.silent)
        self.assertEqual(
            {
                (SECOND, "pilot", 20.0, 2, 2, 1),
                (SECOND, "other", 0.0, 2, 2, 0),
                (THIRD, "pilot", 20.0, 1, 0, 1),
            },
            {
                (
                    r.factory,
                    r.machinetype,
                    r.running_hs06,
                    r.running_machines,
                    r.running_processors,
                    r.young,
                )
                for r in found.reports
            },
        )

    def test_when(self) -> None:
        """Reports are dated by our clock, between the first question and the end."""
        self.tell(SECOND, report())
        began = self.now()
        found = self.ask()
        [heard] = found.reports
        assert found.asked_at is not None, "a round was made"
        self.assertTrue(began <= heard.heard_at <= found.asked_at <= self.now())

    def test_silent(self) -> None:
        """Who does not answer is named with a reason, and holds nobody up beyond the time."""
        self.tell(SECOND, report())
        began = self.now()
        found = self.ask()
        self.assertEqual([SECOND], [r.factory for r in found.reports])
        self.assertEqual([THIRD], list(found.silent))
        self.assertTrue(found.silent[THIRD])
        self.assertLessEqual(self.now() - began, SPACE.udp_timeout_seconds + 0.01)

    def test_nothing_to_tell(self) -> None:
        """A factory without machinetypes is alive all the same."""
        self.tell(SECOND)
        self.tell(THIRD, report())
        found = self.ask()
        self.assertEqual({SECOND, THIRD}, found.alive)
        self.assertEqual([THIRD], [r.factory for r in found.reports])

    def test_not_ourselves(self) -> None:
        """Our own factory is not asked: our own records tell more."""
        self.tell(FACTORY, report())
        self.tell(SECOND, report())
        self.tell(THIRD, report())
        found = self.ask(evolve(SPACE, factories=(FACTORY.upper(), SECOND, THIRD)))
        self.assertEqual({SECOND, THIRD}, found.alive)
        self.assertEqual({SECOND, THIRD}, {r.factory for r in found.reports})

    def test_not_of_the_space(self) -> None:
        """Who is not in the list of factories is not heard."""
        self.tell(SECOND, report())
        self.tell(THIRD, report())
        found = self.ask(evolve(SPACE, factories=(FACTORY, SECOND)))
        self.assertEqual([SECOND], [r.factory for r in found.reports])
        self.assertEqual(({SECOND}, {}), (found.alive, found.silent))

    def test_abort(self) -> None:
        """An abort is told with its message, its machine, and its moment by our clock."""
        aborted = report(
            last_abort=NOW - 100.0,
            abort_message="300 Nothing to do",
            abort_machine="factory2-00.example.com",
        )
        self.tell(SECOND, aborted)
        self.tell(THIRD, report())
        [second] = [r for r in self.ask().reports if r.factory == SECOND]
        assert second.last_abort is not None, "it aborted"
        self.assertLess(abs(NOW - 100.0 - second.last_abort), 1.0)
        self.assertEqual(
            ("300 Nothing to do", "factory2-00.example.com"),
            (second.abort_message, second.abort_machine),
        )

    def test_no_future(self) -> None:
        """No abort is later than the moment at which we heard of it."""
        later = report(last_abort=NOW + 1000.0, abort_message="300 x", abort_machine="m.x")
        self.tell(SECOND, later)
        self.tell(THIRD, report())
        for heard in self.ask().reports:
            self.assertLessEqual(heard.last_abort or 0.0, heard.heard_at)

    def test_again(self) -> None:
        """A factory that was silent is heard once it is back."""
        self.tell(SECOND, report())
        self.ask()
        self.tell(THIRD, report())
        self.assertEqual({SECOND, THIRD}, self.ask().alive)
