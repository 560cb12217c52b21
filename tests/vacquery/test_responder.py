"""Tests for vcycle.vacquery.responder and its outbox."""

from __future__ import annotations

import json
from typing import Any

from attrs import define
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.core.vacquery.vectors import DIRECTORY
from vcycle.core.vacquery.bodies import Bodies
from vcycle.core.vacquery.encode import encode_query
from vcycle.core.vacquery.messages import Kind, Query
from vcycle.core.vacquery.secret import WINDOW, sign, verify
from vcycle.testing.udp import MemoryDatagramTransport
from vcycle.vacquery.limits import Audience, Rates, networks
from vcycle.vacquery.outbox import MOST_WAITING, TURN
from vcycle.vacquery.responder import MOST_HOSTS, Desk, Responder

SPACE = "vac01.example.com"
FACTORY = ("192.0.2.1", 40000)
VISITOR = ("198.51.100.7", 40001)
STRANGER = ("203.0.113.9", 40002)
LOCAL = ("127.0.0.1", 40003)
BODIES = Bodies(
    machines=tuple(b'"m":%d}' % n for n in range(5)),
    machinetypes=(b'"t":0}', b'"t":1}'),
    factory=(b'"f":0}',),
)
SECRET = b"0123456789abcdef"
VECTORS = sorted(path.read_bytes() for path in DIRECTORY.rglob("*.json"))


def query(kind: Kind = Kind.FACTORY, space: str = SPACE, cookie: str = "c1") -> bytes:
    return encode_query(Query(kind=kind, space=space, cookie=cookie))


def desk(**changes: Any) -> Desk:
    wanted: dict[str, Any] = {
        "audience": Audience(frozenset({FACTORY[0]}), networks(["127.0.0.0/8", "198.51.100.0/24"])),
        "rates": Rates(3),
        "bodies": BODIES,
    }
    return Desk(**{**wanted, **changes})


@define
class FullTransport(MemoryDatagramTransport):
    """Takes so many datagrams, and then raises until there is room again."""

    room: int = 10
    error: type[OSError] = BlockingIOError

    def write(self, packet: bytes, addr: tuple[str, int] | None = None) -> None:
        if self.room <= 0:
            raise self.error("no room")
        self.room -= 1
        super().write(packet, addr)


class ResponderCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.transport = MemoryDatagramTransport()
        self.responder = Responder(self.clock, self.clock.seconds)
        self.responder.makeConnection(self.transport)
        self.responder.seat(SPACE, desk())

    def ask(self, datagram: bytes, addr: tuple[str, int] = FACTORY) -> list[dict[str, Any]]:
        """What is answered at once, as JSON; all of it goes to who asked."""
        self.transport.sent.clear()
        self.responder.datagramReceived(datagram, addr)
        self.assertEqual(
            {addr} if self.transport.sent else set(), {a for _, a in self.transport.sent}
        )
        return [json.loads(each) for each, _ in self.transport.sent]


class AnswerTests(ResponderCase):
    def test_kinds(self) -> None:
        """Each kind of query gets its answers, with its cookie and the time of now."""
        head = {"cookie": "c1", "time_sent": 1_700_000_000}
        self.assertEqual([{**head, "f": 0}], self.ask(query()))
        self.assertEqual([{**head, "t": 0}, {**head, "t": 1}], self.ask(query(Kind.MACHINETYPES)))
        self.assertEqual(5, len(self.ask(query(Kind.MACHINES))))
        self.clock.advance(2.5)
        again = self.ask(query(cookie="c2"))
        self.assertEqual([{"cookie": "c2", "time_sent": 1_700_000_002, "f": 0}], again)
        self.assertEqual(4, self.responder.counts.queries)
        self.assertEqual(9, self.responder.counts.answers)

    def test_spaces(self) -> None:
        """The query's space picks the answers and who may have them."""
        self.responder.seat("b.test", desk(audience=Audience(), bodies=Bodies()))
        self.responder.seat(
            "c.test",
            desk(
                bodies=Bodies(factory=(b'"other":1}',)), audience=Audience(frozenset({STRANGER[0]}))
            ),
        )
        self.assertEqual([], self.ask(query(space="b.test")))
        self.assertEqual([], self.ask(query(space="c.test")))
        self.assertEqual([], self.ask(query(), STRANGER))
        self.assertEqual(1, self.ask(query(space="c.test"), STRANGER)[0]["other"])
        self.assertEqual(0, self.ask(query())[0]["f"])

    def test_case_of_spaces(self) -> None:
        """A space's name is compared exactly."""
        self.assertEqual([], self.ask(query(space=SPACE.upper())))

    def test_published_again(self) -> None:
        """The next query after a new snapshot gets the new answers."""
        self.ask(query())
        self.responder.seat(SPACE, desk(bodies=Bodies(factory=(b'"f":2}',))))
        self.assertEqual(2, self.ask(query())[0]["f"])
        self.responder.unseat(SPACE)
        self.assertEqual([], self.ask(query()))

    def test_nothing_yet(self) -> None:
        """Before the first snapshot there is no answer."""
        self.responder.seat(SPACE, desk(bodies=Bodies()))
        self.assertEqual([], self.ask(query()))


class SilenceTests(ResponderCase):
    def test_strangers(self) -> None:
        """Who is neither a factory nor allowed hears nothing."""
        self.assertEqual([], self.ask(query(), STRANGER))
        self.assertEqual(1, self.responder.counts.strangers)
        for addr in (FACTORY, VISITOR, LOCAL, ("127.9.9.9", 1)):
            self.assertEqual(1, len(self.ask(query(), addr)))

    def test_rubbish(self) -> None:
        """What is no query gets no answer, and makes no noise."""
        for datagram in (b"", b"\xff" * 2000, b"[]", b"{}", b'{"method":"machines"}'):
            self.assertEqual([], self.ask(datagram))
        self.assertEqual(5, self.responder.counts.malformed)

    @given(st.binary(max_size=200))
    def test_any_bytes(self, datagram: bytes) -> None:
        """No bytes make it fail, and none but a query makes it speak."""
        self.assertEqual([], self.ask(datagram))
        self.assertEqual(0, self.responder.counts.dropped)

    @given(st.sampled_from(VECTORS), st.integers(0, 300), st.binary(min_size=1, max_size=3))
    def test_damaged(self, datagram: bytes, at: int, bits: bytes) -> None:
        """No damaged datagram makes it fail."""
        self.ask(datagram[:at] + bits + datagram[at + len(bits) :])
        self.assertEqual(0, self.responder.counts.dropped)

    def test_answers(self) -> None:
        """Answers are not answered, so that two responders never talk to each other."""
        for datagram in VECTORS:
            if b"_status" in datagram or b'"machinetype"' in datagram:
                self.assertEqual([], self.ask(datagram))

    def test_many_hosts(self) -> None:
        """Of many addresses few are remembered."""
        for number in range(MOST_HOSTS + 10):
            host = f"198.51.{100 + number // 65536}.{number % 256}"
            self.responder.datagramReceived(b"", (f"{host}", number))
        for number in range(2 * MOST_HOSTS):
            self.responder.datagramReceived(b"", (f"10.{number >> 8}.{number & 255}.1", 1))
        self.assertLessEqual(len(self.responder._admitted), MOST_HOSTS)


class RateTests(ResponderCase):
    def test_limited(self) -> None:
        """Allowed networks are limited; factories and this host are not."""
        got = [len(self.ask(query(), VISITOR)) for _ in range(10)]
        self.assertEqual(3, sum(got))
        self.assertEqual(7, self.responder.counts.limited)
        self.clock.advance(1.1)
        self.assertEqual(1, len(self.ask(query(), VISITOR)))
        for addr in (FACTORY, LOCAL):
            self.assertEqual(10, sum(len(self.ask(query(), addr)) for _ in range(10)))


class SignedTests(ResponderCase):
    def signed(self, datagram: bytes, secret: bytes = SECRET) -> bytes:
        self.clock.advance(0.01)
        return sign(datagram, secret, self.clock.seconds())

    def test_optional(self) -> None:
        """With a secret, signed queries get signed answers, and others get plain ones."""
        self.responder.seat(SPACE, desk(secret=SECRET))
        for kind, count in ((Kind.FACTORY, 1), (Kind.MACHINES, 5)):
            self.assertEqual(count, len(self.ask(self.signed(query(kind)))))
            for datagram, _ in self.transport.sent:
                self.assertIsNotNone(verify(datagram, SECRET, self.clock.seconds()))
        self.assertEqual(1, len(self.ask(query())))
        self.assertIsNone(verify(self.transport.sent[0][0], SECRET, self.clock.seconds()))

    def test_required(self) -> None:
        """If it is required, what is not signed gets nothing."""
        self.responder.seat(SPACE, desk(secret=SECRET, required=True))
        self.assertEqual([], self.ask(query()))
        self.assertEqual(1, self.responder.counts.unsigned)
        self.assertEqual(1, len(self.ask(self.signed(query()))))

    def test_refused(self) -> None:
        """What is signed with another secret, too old, or was there before, gets nothing."""
        self.responder.seat(SPACE, desk(secret=SECRET))
        self.assertEqual([], self.ask(self.signed(query(), b"another")))
        once = self.signed(query())
        self.assertEqual(1, len(self.ask(once)))
        self.assertEqual([], self.ask(once))
        old = self.signed(query())
        self.clock.advance(WINDOW + 1)
        self.assertEqual([], self.ask(old))

    def test_not_known(self) -> None:
        """Without a secret of our own a signature is a key like any other."""
        self.assertEqual(1, len(self.ask(self.signed(query()))))


class OutboxTests(ResponderCase):
    def many(self, count: int) -> None:
        tails = tuple(b'"m":%d}' % n for n in range(count))
        self.responder.seat(SPACE, desk(bodies=Bodies(machines=tails, factory=(b'"f":0}',))))

    def over(self, transport: FullTransport) -> FullTransport:
        """Another responder, over this transport."""
        self.responder = Responder(self.clock, self.clock.seconds)
        self.responder.makeConnection(transport)
        return transport

    def test_turns(self) -> None:
        """A long answer goes out a few datagrams at a time, and short ones pass it."""
        self.many(1000)
        self.responder.datagramReceived(query(Kind.MACHINES), FACTORY)
        self.assertEqual(TURN, len(self.transport.sent))
        self.responder.datagramReceived(query(), LOCAL)
        self.assertEqual(LOCAL, self.transport.sent[-1][1])
        self.clock.pump([0] * 20)
        self.assertEqual(1001, len(self.transport.sent))
        self.assertEqual(
            list(range(1000)),
            [json.loads(d)["m"] for d, addr in self.transport.sent if addr == FACTORY],
        )

    def test_fair(self) -> None:
        """Two long answers go out side by side."""
        self.many(1000)
        self.responder.datagramReceived(query(Kind.MACHINES), FACTORY)
        self.responder.datagramReceived(query(Kind.MACHINES), LOCAL)
        self.clock.pump([0] * 8)
        sent = [addr for _, addr in self.transport.sent]
        self.assertGreater(sent.count(FACTORY), 200)
        self.assertGreater(sent.count(LOCAL), 200)

    def test_no_room(self) -> None:
        """Where the system has no room it is waited for; nothing is lost and nothing is doubled."""
        transport = self.over(FullTransport())
        self.many(100)
        self.responder.datagramReceived(query(Kind.MACHINES), FACTORY)
        self.assertEqual(10, len(transport.sent))
        for _ in range(20):
            transport.room = 10
            self.clock.advance(0.01)
        self.assertEqual(list(range(100)), [json.loads(d)["m"] for d, _ in transport.sent])

    def test_unreachable(self) -> None:
        """An address that cannot be reached costs its own answer and no other."""
        transport = self.over(FullTransport(room=0, error=PermissionError))
        self.many(100)
        for kind in Kind:
            self.responder.datagramReceived(query(kind), FACTORY)
        transport.room = 1000
        self.responder.datagramReceived(query(), FACTORY)
        self.clock.pump([0] * 10)
        self.assertEqual(1, len(transport.sent))

    def test_bounded(self) -> None:
        """So many long answers wait, and what comes beyond is dropped and counted."""
        self.many(200)
        for _ in range(MOST_WAITING + 10):
            self.responder.datagramReceived(query(Kind.MACHINES), FACTORY)
        self.assertGreater(self.responder.counts.dropped, 0)

    def test_stop(self) -> None:
        """After the end nothing is sent, and nothing is left to do."""
        self.many(1000)
        self.responder.datagramReceived(query(Kind.MACHINES), FACTORY)
        self.responder.stopProtocol()
        self.assertEqual([], self.clock.getDelayedCalls())
        sent = len(self.transport.sent)
        self.responder.datagramReceived(query(), FACTORY)
        self.assertEqual(sent, len(self.transport.sent))
