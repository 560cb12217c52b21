"""
Mutated datagrams for the responder and the readers of answers: ``python -m tests.fuzz_vacquery``.

Each is one of the known datagrams, changed a little; now and then a good query makes sure that
answers still come. Memory is measured when a tenth is done, and at the end.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from attrs import define
from twisted.internet.task import Clock

from tests.core.vacquery.vectors import DIRECTORY
from vcycle.core.errors import MalformedQuery
from vcycle.core.vacquery.bodies import Bodies
from vcycle.core.vacquery.decode import decode_answer
from vcycle.core.vacquery.encode import encode_answer, encode_query
from vcycle.core.vacquery.messages import MAX_SENT, Kind, Query
from vcycle.core.vacquery.secret import sign
from vcycle.testing.udp import MemoryDatagramTransport
from vcycle.vacquery.limits import Audience, Rates, networks
from vcycle.vacquery.responder import Counts, Desk, Responder

COUNT = 1_000_000
# MB by which memory may grow after the first tenth, however many mutants come.
GROWTH = 4.0
EVERY = 100
"""After so many mutants a good query is asked."""

SPACE = "vcycle01.example.com"
SECRET = b"0123456789abcdef"
VECTORS = sorted(path.read_bytes() for path in DIRECTORY.rglob("*.json"))
PIECES = [
    *(b'"', b"\\", b"\x00", b"\xff", b"{", b"}", b"[", b"]", b",", b":", b"null", b"true"),
    *(b"NaN", b"-Infinity", b"1e999", b"-1", b"0.5", b"9" * 400, b"\\ud800", b"\xed\xa0\x80"),
    *(b'"cookie":', b'"space":', b'"method":"machines",', b"\\u0000", b"[" * 300, b'{"a":' * 99),
]


@define
class Found:
    """What was measured: resident memory in MB, and how many answers were good ones."""

    counts: Counts
    checked: int
    read: int
    early: float
    late: float


@define
class Forgetful(MemoryDatagramTransport):
    """Keeps the last datagram only."""

    def write(self, packet: bytes, addr: tuple[str, int] | None = None) -> None:
        if len(packet) > MAX_SENT:
            raise AssertionError(f"{len(packet)} bytes were sent")
        self.sent[:] = [(packet, addr)]


def mutant(chance: random.Random, pool: Sequence[bytes]) -> bytes:
    """One of the pool, changed in one to four places."""
    datagram = chance.choice(pool)
    for _ in range(chance.randint(1, 4)):
        at, way = chance.randint(0, len(datagram)), chance.randrange(6)
        if way == 0:
            datagram = datagram[:at]
        elif way == 1:
            datagram = datagram[:at] + bytes([chance.randrange(256)]) + datagram[at + 1 :]
        elif way == 2:
            datagram = datagram[:at] + chance.choice(PIECES) + datagram[at:]
        elif way == 3:
            datagram = datagram[:at] + datagram[at + chance.randint(1, 20) :]
        elif way == 4:
            other = chance.choice(pool)
            datagram = datagram[:at] + other[chance.randint(0, len(other)) :]
        else:
            datagram = datagram[:at] + datagram[at // 2 : at] + datagram[at:]
    return datagram[:20_000]


def fuzz(count: int, seed: int) -> Found:
    """
    Throw ``count`` mutants at a responder and at the reader of answers.

    :raises AssertionError: a good query got no answer, or something failed that must not.
    """
    chance, clock = random.Random(seed), Clock()
    clock.advance(1_767_225_600)
    transport = Forgetful()
    responder = Responder(clock, clock.seconds)
    responder.makeConnection(transport)
    allowed = networks(["127.0.0.0/8", "10.0.0.0/8"])
    bodies = Bodies(machines=(b'"m":0}',) * 3, machinetypes=(b'"t":0}',) * 2, factory=(b'"f":0}',))
    for space, secret in ((SPACE, None), ("vac01.example.com", SECRET)):
        responder.seat(space, Desk(Audience(frozenset(), allowed), Rates(50), bodies, secret))
    signed = [sign(datagram.rstrip(), SECRET, clock.seconds()) for datagram in VECTORS]
    pool = [*VECTORS, *(datagram.replace(b"\n ", b"") for datagram in VECTORS), *signed]
    checked = read = 0
    early = resident()
    for number in range(count):
        datagram = mutant(chance, pool)
        host = f"{chance.choice((10, 127, 203))}.0.{chance.randrange(256)}.{chance.randrange(256)}"
        responder.datagramReceived(datagram, (host, 1 + number % 65535))
        try:
            encode_answer(decode_answer(datagram))
            read += 1
        except MalformedQuery as error:
            if not str(error).isprintable():
                raise AssertionError(repr(str(error))) from None
        if number % EVERY == 0:
            clock.advance(0.01)
            check(responder, transport, number)
            checked += 1
        if number == count // 10:
            early = resident()
    if responder.counts.dropped:
        raise AssertionError(f"{responder.counts.dropped} answers failed")
    return Found(responder.counts, checked, read, early, resident())


def check(responder: Responder, transport: Forgetful, number: int) -> None:
    """A good query is answered."""
    transport.sent.clear()
    query = Query(kind=Kind.FACTORY, space=SPACE, cookie=f"c{number}")
    responder.datagramReceived(encode_query(query), ("127.0.0.1", 9))
    if not transport.sent or b'"c%d"' % number not in transport.sent[0][0]:
        raise AssertionError(f"no answer after {number} mutants")


def resident() -> float:
    """MB of this process in memory."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1000


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests.fuzz_vacquery", description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=None, help="by default another each time")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    began = time.perf_counter()
    found = fuzz(options.count, seed)
    took = time.perf_counter() - began
    print(f"{options.count} mutants in {took:.0f} s, seed {seed}: {found.counts}")
    print(f"{found.checked} good queries were answered; {found.read} mutants were answers")
    print(f"memory {found.early:.1f} MB after a tenth, {found.late:.1f} MB at the end")
    return 0 if found.late - found.early < GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
