"""Tests for vcycle.core.asking: what is asked when, what counts, and that it always ends."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis.strategies import binary, booleans, floats, integers, lists, sampled_from, tuples
from twisted.trial.unittest import SynchronousTestCase

from tests.core.asking.network import (
    SPACE,
    START,
    Network,
    Site,
    address_of,
    answers_of,
    drive,
    factories,
    lossy,
    name_of,
    network,
)
from vcycle.core.asking.round import Round
from vcycle.core.asking.target import MAX_ANSWERS, QUIET_SHARE, TRIES
from vcycle.core.vacquery.cookie import cookie_for
from vcycle.core.vacquery.messages import Kind, MachineStatus, MachinetypeStatus, Query

TIMEOUT = 10.0
SALT = "salt"


def round_of(count: int, kind: Kind = Kind.MACHINETYPES, **changes: Any) -> Round:
    wanted: dict[str, Any] = {"salt": SALT, "now": START, "timeout": TIMEOUT}
    return Round(kind, SPACE, factories(count), **{**wanted, **changes})


def query_to(number: int, kind: Kind = Kind.MACHINETYPES, salt: str = SALT) -> Query:
    return Query(kind=kind, space=SPACE, cookie=cookie_for(salt, name_of(number)))


class WholeTests(SynchronousTestCase):
    def test_all_answer(self) -> None:
        """A round in which all factories tell everything ends with their last answer."""
        carried = network(3)
        carried.sites[address_of(1)].count = 5
        for kind in Kind:
            found, seconds = drive(round_of(3, kind), carried)
            self.assertEqual([name_of(n) for n in range(3)], list(found.heard))
            self.assertEqual(
                [1, 1 if kind is Kind.FACTORY else 5, 1], [*map(len, found.heard.values())]
            )
            self.assertEqual(({}, {}), (found.silent, found.partial))
            self.assertAlmostEqual(0.002, seconds, places=6)

    def test_nobody(self) -> None:
        """A round of nobody is over before it begins."""
        found, seconds = drive(round_of(0), network(0))
        self.assertEqual(((), 0.0), (found.answers, seconds))

    def test_once(self) -> None:
        """Where nothing is lost each factory is asked once, for one thing."""
        carried = network(3)
        drive(round_of(3), carried)
        self.assertEqual([Kind.MACHINETYPES] * 3, [query.kind for _, _, query in carried.sent])

    def test_arrival(self) -> None:
        """Each answer is kept with the moment at which it came."""
        found, _ = drive(round_of(1), network(1, fate=lambda: (0.25,)))
        [heard] = found.heard[name_of(0)]
        self.assertEqual(START + 0.5, heard.at)

    def test_doubled(self) -> None:
        """Answers that come twice count once, and the newest is kept."""
        found, _ = drive(round_of(2), network(2, fate=lambda: (0.001, 0.0015)))
        self.assertEqual(2, len(found.answers))

    def test_case(self) -> None:
        """A factory may write its name in capitals."""
        carried = Network({address_of(0): Site("Factory0.Example.COM")})
        found, _ = drive(round_of(1), carried)
        self.assertEqual([name_of(0)], list(found.heard))

    def test_two_names_one_address(self) -> None:
        """Factories that share an address are told apart by their names."""
        names = {name_of(n): (address_of(0),) for n in range(2)}
        asking = Round(Kind.FACTORY, SPACE, names, salt=SALT, now=START, timeout=TIMEOUT)
        found, seconds = drive(asking, network(1))
        self.assertEqual([name_of(0)], list(found.heard))
        self.assertEqual([name_of(1)], list(found.silent))
        self.assertEqual(TIMEOUT, seconds)


class SilentTests(SynchronousTestCase):
    def test_dead(self) -> None:
        """A dead factory is asked again and again, then named; the others are as always."""
        carried = network(3)
        carried.sites[address_of(1)].dead = True
        found, seconds = drive(round_of(3), carried)
        self.assertEqual(TIMEOUT, seconds)
        self.assertEqual([name_of(0), name_of(2)], list(found.heard))
        self.assertEqual(
            {name_of(1): "no answer from 10.0.0.2:995 within 10 s"}, dict(found.silent)
        )
        asked = [at for at, address, query in carried.sent if address == address_of(1)]
        self.assertEqual(len(TRIES), len(set(asked)))

    def test_known(self) -> None:
        """A factory known to be silent is waited for a little only."""
        carried = network(2)
        carried.sites[address_of(0)].dead = True
        found, seconds = drive(round_of(2, quiet=[name_of(0).upper()]), carried)
        self.assertAlmostEqual(QUIET_SHARE * TIMEOUT, seconds)
        self.assertEqual([name_of(0)], list(found.silent))

    def test_back(self) -> None:
        """One that is back and tells anything gets all the time that the others have."""
        lost = iter([(0.0,), (), (0.0,), (0.001,), *[(0.001,)] * 99])
        carried = network(1, fate=lambda: next(lost))
        carried.sites[address_of(0)].count = 2
        found, seconds = drive(round_of(1, quiet=[name_of(0)]), carried)
        self.assertEqual(2, len(found.heard[name_of(0)]))

    def test_no_address(self) -> None:
        """A factory whose address is not known is named, and not waited for."""
        asking = Round(Kind.FACTORY, SPACE, {name_of(0): ()}, salt=SALT, now=START, timeout=TIMEOUT)
        found, seconds = drive(asking, network(0))
        self.assertEqual(({name_of(0): "it has no address"}, 0.0), (found.silent, seconds))

    def test_nothing_to_tell(self) -> None:
        """A factory without machinetypes is alive, and known to be so in less than a second."""
        carried = network(2)
        carried.sites[address_of(0)].count = 0
        for kind in (Kind.MACHINETYPES, Kind.MACHINES):
            found, seconds = drive(round_of(2, kind), carried)
            self.assertEqual([name_of(0), name_of(1)], list(found.heard))
            self.assertEqual(({}, {}), (found.silent, found.partial))
            self.assertLess(seconds, 1.0)

    def test_part(self) -> None:
        """Of a factory that announces more than it tells, what it told counts, and it is named."""
        asking = round_of(1)
        asking.wants(START)
        [first, _] = answers_of(name_of(0), query_to(0), 2)
        asking.received(first, address_of(0), START)
        self.assertFalse(asking.finished(START + 9.9))
        found = asking.result()
        self.assertEqual(1, len(found.answers))
        self.assertEqual({name_of(0): "only 1 of 2 answers came"}, found.partial)
        self.assertTrue(asking.finished(START + TIMEOUT))

    def test_unsent(self) -> None:
        """What the system said when a query could not be sent is part of the reason."""
        asking = round_of(1)
        asking.wants(START)
        asking.unsent(address_of(0), "network is unreachable")
        self.assertIn("network is unreachable", asking.result().silent[name_of(0)])

    def test_addresses_in_turn(self) -> None:
        """Of several addresses each is tried, and an answer may come from any."""
        one, two = address_of(0), address_of(1)
        carried = Network({two: Site(name_of(0), address=one)})
        asking = Round(
            Kind.FACTORY, SPACE, {name_of(0): (one, two)}, salt=SALT, now=START, timeout=TIMEOUT
        )
        found, seconds = drive(asking, carried)
        self.assertEqual([name_of(0)], list(found.heard))
        self.assertEqual([one, two], [address for _, address, _ in carried.sent])


class HostileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.asking = round_of(2)
        self.asking.wants(START)

    def send(self, datagram: bytes, number: int = 0) -> object:
        return self.asking.received(datagram, address_of(number), START + 0.001)

    def test_good(self) -> None:
        """An answer that is as it should be is given back."""
        [answer] = answers_of(name_of(0), query_to(0), 1)
        self.assertIsInstance(self.send(answer), MachinetypeStatus)

    def test_address(self) -> None:
        """From another address, or another port, it does not count."""
        [answer] = answers_of(name_of(0), query_to(0), 1)
        self.assertIsNone(self.send(answer, number=1))
        self.assertIsNone(self.send(answer, number=7))
        other = (address_of(0)[0], 996)
        self.assertIsNone(self.asking.received(answer, other, START))

    def test_cookie(self) -> None:
        """With the cookie of another round, or of another factory, it does not count."""
        for query in (query_to(0, salt="former"), query_to(1)):
            [answer] = answers_of(name_of(0), query, 1)
            self.assertIsNone(self.send(answer))
        hidden = query_to(0, salt="former")
        [answer] = answers_of(name_of(0), hidden, 1)
        extra = f'"x":"{query_to(0).cookie}",'.encode()
        self.assertIsNone(self.send(answer.replace(b"{", b"{" + extra, 1)))

    def test_other_name(self) -> None:
        """A factory that was asked cannot answer in another's name."""
        [answer] = answers_of(name_of(1), query_to(0), 1)
        self.assertIsNone(self.send(answer))
        silent = self.asking.result().silent
        self.assertEqual({name_of(0), name_of(1)}, set(silent))
        self.assertIn("who answers there calls itself factory1.example.com", silent[name_of(0)])

    def test_space(self) -> None:
        """What is told of another space does not count."""
        cookie = query_to(0).cookie
        other = Query(kind=Kind.MACHINETYPES, space="other.example.com", cookie=cookie)
        [answer] = answers_of(name_of(0), other, 1)
        self.assertIsNone(self.send(answer))

    def test_kind(self) -> None:
        """What was not asked for does not count."""
        [answer] = answers_of(name_of(0), query_to(0, Kind.MACHINES), 1)
        self.assertIsNone(self.send(answer))

    def test_nonsense(self) -> None:
        """An answer with our cookie that makes no sense is the reason that is told."""
        cookie = str(query_to(0).cookie)
        self.assertIsNone(self.send(f'{{"cookie":"{cookie}"}}'.encode()))
        self.assertIn("an answer made no sense: ", self.asking.result().silent[name_of(0)])

    def test_without_end(self) -> None:
        """However many answers a factory sends, a bounded number of them is kept."""
        query = query_to(0, Kind.MACHINES)
        asking = round_of(1, Kind.MACHINES)
        asking.wants(START)
        [last, *_] = answers_of(name_of(0), query, 99_999)[:1]
        for number in range(MAX_ANSWERS + 5):
            answer = last.replace(b'"m0.', b'"m%d.' % number)
            taken = asking.received(answer, address_of(0), START)
            self.assertEqual(number < MAX_ANSWERS, isinstance(taken, MachineStatus))
        self.assertEqual(MAX_ANSWERS, len(asking.result().answers))

    @given(lists(tuples(binary(max_size=100), integers(0, 3))))
    def test_any_bytes(self, datagrams: list[tuple[bytes, int]]) -> None:
        """Bytes of any kind do no harm, with our cookie in them or without."""
        asking = round_of(2)
        asking.wants(START)
        cookie = str(query_to(0).cookie).encode()
        for datagram, number in datagrams:
            asking.received(datagram, address_of(number), START)
            asking.received(datagram + cookie, address_of(number), START)
        self.assertEqual((), asking.result().answers)


class PaceTests(SynchronousTestCase):
    def test_buffer(self) -> None:
        """Thousands of answers come through a small buffer, and next to none is lost."""
        carried = network(500, buffer=90)
        for site in carried.sites.values():
            site.count = 32
        found, seconds = drive(round_of(500, Kind.MACHINES), carried)
        self.assertEqual(500 * 32, len(found.answers))
        self.assertLess(carried.overflown, 100)
        self.assertLess(seconds, 2.0)

    def test_large_factory(self) -> None:
        """A factory that announces more than the window holds is asked all the same."""
        carried = network(2, buffer=1000)
        carried.sites[address_of(0)].count = 600
        found, _ = drive(round_of(2, Kind.MACHINES), carried)
        self.assertEqual(601, len(found.answers))

    def test_mostly_dead(self) -> None:
        """A thousand dead factories do not keep the others from being asked soon."""
        carried = network(1010)
        for number in range(1000):
            carried.sites[address_of(number)].dead = True
        quiet = [name_of(number) for number in range(1000)]
        found, seconds = drive(round_of(1010, Kind.MACHINES, quiet=quiet), carried)
        self.assertEqual(10, len(found.heard))
        self.assertEqual(1000, len(found.silent))
        self.assertLess(seconds, 4.0)

    def test_bursts(self) -> None:
        """Queries leave in small batches, so that answers are read in between."""
        asking = round_of(1000, Kind.FACTORY, window=1 << 20)
        sent, wake = asking.wants(START)
        self.assertLess(len(sent), 100)
        self.assertEqual(START, wake)


class PropertyTests(SynchronousTestCase):
    @given(
        sampled_from(Kind),
        lists(tuples(integers(0, 6), booleans()), min_size=1, max_size=8),
        floats(0.0, 0.6),
        floats(0.0, 0.5),
        sampled_from([0.001, 0.2, 3.0]),
        sampled_from([0.1, 2.0, 10.0]),
        integers(0, 1 << 30),
        booleans(),
    )
    def test_any_network(
        self,
        kind: Kind,
        sites: list[tuple[int, bool]],
        loss: float,
        doubled: float,
        slowest: float,
        timeout: float,
        seed: int,
        quiet: bool,
    ) -> None:
        """
        Whatever is lost, doubled or late: the round is over in time, each factory is either
        heard or silent, nobody dead is heard, and no factory tells more than it has.
        """
        carried = network(len(sites), fate=lossy(seed, loss, doubled, slowest))
        for number, (count, dead) in enumerate(sites):
            carried.sites[address_of(number)].count = count
            carried.sites[address_of(number)].dead = dead
        names = [name_of(n) for n in range(len(sites))] if quiet else []
        asking = round_of(len(sites), kind, timeout=timeout, quiet=names)
        found, seconds = drive(asking, carried)
        self.assertLessEqual(seconds, timeout + 1e-6)
        self.assertEqual(set(factories(len(sites))), set(found.heard) | set(found.silent))
        self.assertFalse(set(found.heard) & set(found.silent))
        self.assertLessEqual(set(found.partial), set(found.heard))
        for number, (count, dead) in enumerate(sites):
            told = found.heard.get(name_of(number), ())
            self.assertFalse(dead and told)
            self.assertLessEqual(len(told), count + 1)
        queries = {(at, address) for at, address, _ in carried.sent}
        self.assertLessEqual(len(queries), len(TRIES) * len(sites))
        self.assertTrue(asking.finished(START + timeout))
        self.assertEqual(([], None), asking.wants(START + timeout))

    def test_some_loss(self) -> None:
        """With a tenth of all datagrams lost, next to all is told in the end."""
        told = 0
        for seed in range(40):
            carried = network(5, fate=lossy(seed, 0.1, 0.1, 0.01))
            for site in carried.sites.values():
                site.count = 3
            found, _ = drive(round_of(5), carried)
            told += sum(isinstance(answer, MachinetypeStatus) for answer in found.answers)
        self.assertGreater(told, 0.995 * 40 * 15)
