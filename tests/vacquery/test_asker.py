"""Tests for vcycle.vacquery.asker: rounds over datagrams, and what may go wrong with them."""

from __future__ import annotations

import errno
import os

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.peers import SECOND, SPACE, THIRD, report
from tests.vacquery.factories import PORT, Ground
from vcycle.core.asking.round import Gathered
from vcycle.core.config.model import Space
from vcycle.core.vacquery.messages import FactoryStatus, Kind
from vcycle.core.vacquery.secret import sign, verify
from vcycle.vacquery.asker import others_of
from vcycle.vacquery.peers import PATIENT_ROUNDS

STRICT = evolve(SPACE, vacquery_require_secret=True)
SECRET = b"shared among the factories"


class AskerCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.ground = Ground()

    def ask(self, of: Space = SPACE) -> tuple[Gathered, float]:
        found: tuple[Gathered, float] = self.ground.run(
            self.ground.asker.ask(Kind.FACTORY, of, 5.0)
        )
        return found


class RoundTests(AskerCase):
    def test_all(self) -> None:
        """Where all factories answer a round is over at once, and its socket closed."""
        self.ground.tell(SECOND)
        self.ground.tell(THIRD)
        found, seconds = self.ask()
        self.assertEqual({SECOND, THIRD}, set(found.heard))
        self.assertTrue(all(isinstance(answer, FactoryStatus) for answer in found.answers))
        self.assertLess(seconds, 0.1)
        self.assertEqual(2, len(self.ground.network.ports))
        self.assertEqual([], self.ground.network.getDelayedCalls())

    def test_time(self) -> None:
        """One that is dead costs the time there is, and no more."""
        self.ground.tell(SECOND)
        found, seconds = self.ask()
        self.assertEqual([THIRD], list(found.silent))
        self.assertAlmostEqual(5.0, seconds)

    def test_loss(self) -> None:
        """What is lost is asked for again."""
        self.ground.tell(SECOND)
        self.ground.tell(THIRD)
        lost = iter([True, False, True])
        self.ground.network.lose = lambda datagram, addr: next(lost, False)
        found, seconds = self.ask()
        self.assertEqual({SECOND, THIRD}, set(found.heard))
        self.assertLess(seconds, 1.0)

    def test_unknown_name(self) -> None:
        """A factory whose name nobody knows is named with what the name service said."""
        self.ground.tell(SECOND)

        def look_up(name: str) -> tuple[str, ...]:
            if name == THIRD:
                raise OSError(errno.ENOENT, "Name or service not known")
            return self.ground.look_up(name)

        self.ground.names.lookup = look_up
        found, seconds = self.ask()
        self.assertEqual(
            {THIRD: "its address is not known: Name or service not known"}, dict(found.silent)
        )
        self.assertLess(seconds, 0.1)

    def test_slow_names(self) -> None:
        """A name service that hangs takes its part of the time, and the round still ends."""
        self.ground.names.in_thread = lambda work, deadline=None: Deferred()
        found, seconds = self.ask()
        self.assertEqual({SECOND, THIRD}, set(found.silent))
        self.assertLessEqual(seconds, 5.0)

    def test_refused(self) -> None:
        """What the system refuses to send is a reason that is told, and harms nobody else."""
        self.ground.tell(SECOND)
        address = (self.ground.look_up(THIRD)[0], PORT)
        error = OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        self.ground.network.refuse = lambda addr: error if addr == address else None
        found, _ = self.ask()
        self.assertEqual([SECOND], list(found.heard))
        self.assertIn("Network is unreachable", found.silent[THIRD])

    def test_no_socket(self) -> None:
        """Where there is no socket, all factories are silent for this reason."""

        def listen(*_: object, **__: object) -> object:
            raise CannotListenError("10.9.9.9", 0, OSError("no such address"))

        self.patch(self.ground.network, "listenUDP", listen)
        found, _ = self.ask()
        self.assertEqual({SECOND, THIRD}, set(found.silent))
        self.assertIn("no socket to ask: ", found.silent[SECOND])

    def test_stop(self) -> None:
        """When the daemon stops, rounds are over with what they have."""
        self.ground.tell(SECOND)
        waiting = Deferred.fromCoroutine(self.ground.asker.ask(Kind.FACTORY, SPACE, 5.0))
        self.ground.network.pump([0.001] * 3)
        self.assertNoResult(waiting)
        self.ground.asker.stop()
        found = self.successResultOf(waiting)
        self.assertEqual(([SECOND], [THIRD]), (list(found.heard), list(found.silent)))
        self.assertEqual([], self.ground.network.getDelayedCalls())

    def test_nobody(self) -> None:
        """Alone in a space nobody is asked."""
        self.assertEqual((), others_of(evolve(SPACE, factories=(SPACE.factory_name.upper(),))))
        alone = self.ground.asker.ask(Kind.FACTORY, evolve(SPACE, factories=()), 5.0)
        self.assertEqual((Gathered(), 0.0), self.ground.run(alone))
        self.assertEqual({}, self.ground.network.ports)

    def test_no_port(self) -> None:
        """Where VacQuery is switched off nobody is asked, and that is the reason."""
        self.ground.asker.port = 0
        found, seconds = self.ask()
        self.assertEqual(0.0, seconds)
        self.assertIn("vacquery_port is 0", found.silent[SECOND])

    def test_other_space(self) -> None:
        """What a factory tells of another space is not taken."""
        self.ground.tell(SECOND).space = "other.example.com"
        self.ground.tell(THIRD)
        found, _ = self.ask()
        self.assertEqual([THIRD], list(found.heard))


class SecretTests(AskerCase):
    def answer_signed(self, secret: bytes) -> None:
        """Have the factories sign what they say."""
        network, carry = self.ground.network, self.ground.network.carry

        def signing(packet: bytes, source: tuple[str, int], addr: tuple[str, int]) -> None:
            now = self.ground.wall()
            carry(sign(packet, secret, now) if source[1] == PORT else packet, source, addr)

        self.patch(network, "carry", signing)

    def setUp(self) -> None:
        super().setUp()
        self.ground.tell(SECOND)
        self.ground.tell(THIRD)

    def test_queries(self) -> None:
        """With a secret each query is signed; who does not know of it can read it all the same."""
        self.ground.secret = SECRET
        sent: list[bytes] = []

        def note(datagram: bytes, addr: object) -> bool:
            sent.append(datagram)
            return False

        self.ground.network.lose = note
        found, _ = self.ask()
        self.assertEqual(2, len(found.heard))
        self.assertIsNotNone(verify(sent[0], SECRET, self.ground.wall()))

    def test_required(self) -> None:
        """Where it is required, what is not signed does not count, and one is told why."""
        self.ground.secret = SECRET
        found, _ = self.ask(STRICT)
        self.assertEqual({}, found.heard)
        self.assertIn("not signed", found.silent[SECOND])

    def test_signed(self) -> None:
        """What is signed with it counts."""
        self.ground.secret = SECRET
        self.answer_signed(SECRET)
        self.assertEqual(2, len(self.ask(STRICT)[0].heard))

    def test_other_secret(self) -> None:
        """What is signed with another does not, required or not."""
        self.answer_signed(b"another secret of theirs")
        self.ground.secret = SECRET
        self.assertEqual({}, self.ask()[0].heard)

    def test_unreadable(self) -> None:
        """Where the secret cannot be read, nobody is asked without it, and one is told why."""
        self.ground.refusal = "/etc/secret: others can read it"
        found, _ = self.ask()
        self.assertEqual({SECOND, THIRD}, set(found.silent))
        self.assertIn("others can read it", found.silent[SECOND])
        self.assertEqual([], self.ground.listening[SECOND].queries)


class PatienceTests(AskerCase):
    def peers(self) -> float:
        """How many seconds a round took."""
        _, seconds = self.ground.run(self.ground.peers.ask(SPACE))
        return seconds

    def test_known_dead(self) -> None:
        """The first round waits for a dead factory; the following hardly, but now and then."""
        self.ground.tell(SECOND, report())
        took = [round(self.peers(), 1) for _ in range(PATIENT_ROUNDS + 1)]
        self.assertEqual([5.0, *[0.5] * (PATIENT_ROUNDS - 1), 5.0], took)

    def test_back(self) -> None:
        """Once it is back it is an ordinary one again."""
        self.ground.tell(SECOND, report())
        self.peers()
        self.ground.tell(THIRD, report())
        self.assertLess(self.peers(), 0.1)
        self.ground.silence(THIRD)
        self.assertAlmostEqual(5.0, self.peers())
