"""Servers of the responder's benchmark: each a process that tells its port, and ends when told."""

from __future__ import annotations

import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import deferLater

from benchmarks.cycle import _factory, _grow_old
from benchmarks.factory import SPACE, begin_log
from benchmarks.sides import in_reactor
from tests.core.values import machinetype, running, space
from vcycle.core.machine import State
from vcycle.core.observation import Reviewed
from vcycle.core.snapshot import Snapshot
from vcycle.core.vacquery.bodies import Bodies, bodies
from vcycle.core.vacquery.encode import encode_query, head
from vcycle.core.vacquery.messages import Kind, Query
from vcycle.daemon import clocks, host
from vcycle.daemon.answering import Answering
from vcycle.daemon.service import PLAN_SECONDS, PLAN_THREADS
from vcycle.threads import PrivateThreads
from vcycle.vacquery.limits import Audience, Rates, networks
from vcycle.vacquery.responder import Desk, Responder

MACHINES = 1000
REST = 0.3
LOCALHOST = "127.0.0.1"


class Echo(DatagramProtocol):
    """Sends the same bytes to whoever asks."""

    noisy = False

    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        assert self.transport is not None, "it listens"
        self.transport.write(self.answer, addr)


def cookie(number: int) -> str:
    """A cookie as long as all of the family make them; each number has its own."""
    return f"{number:064x}"


def query(kind: Kind, number: int = 0) -> bytes:
    """A query as factories send it."""
    return encode_query(Query(kind=kind, space=SPACE, cookie=cookie(number)))


def answers() -> Bodies:
    """What a factory of this host with so many machines tells."""
    now = time.time()
    machines = (
        Reviewed(record=running(number, space=SPACE), state=State.RUNNING)
        for number in range(MACHINES)
    )
    snapshot = Snapshot(
        space=space(machinetype(), name=SPACE, total_machines=MACHINES, total_processors=None),
        taken_at=now,
        machines=tuple(machines),
    )
    return bodies(snapshot, host.facts("/var/tmp", SPACE, now, serving=True))


def echo(reactor: Any) -> DatagramProtocol:
    """The baseline, with answers of the same size."""
    beginning = head(b'"%b"' % cookie(0).encode(), int(time.time()))
    return Echo(beginning + answers().factory[0])


def responder(reactor: Any) -> DatagramProtocol:
    """The responder alone."""
    made = Responder(reactor, time.time)
    audience = Audience(frozenset(), networks(["127.0.0.0/8"]))
    made.seat(SPACE, Desk(audience, Rates(2000), answers()))
    return made


async def serve(reactor: Any, what: str) -> None:
    """One of the two servers, for ever."""
    protocol = echo(reactor) if what == "echo" else responder(reactor)
    port = reactor.listenUDP(0, protocol, interface=LOCALHOST)
    print(port.getHost().port, flush=True)
    await Deferred()


async def serve_in_cycles(reactor: Any) -> None:
    """The responder of a factory whose cycles follow one another; each one's seconds are told."""
    with tempfile.TemporaryDirectory(prefix="vcb", dir="/var/tmp") as name:
        begin_log(Path(name) / "log")
        bench = _factory(reactor, Path(name), MACHINES)
        threads = PrivateThreads(reactor, "answers", PLAN_THREADS, PLAN_SECONDS, ceiling=8)
        threads.startService()
        port = _free_port()
        answering = Answering(
            reactor,
            port,
            LOCALHOST,
            in_thread=threads,
            clock=clocks.wall,
            look=lambda of: host.facts(name, of.space.name, clocks.wall(), serving=True),
        )
        answering.startService()
        await bench.empty_cycle()
        await bench.cycle()
        _grow_old(bench)
        await bench.cycle()
        told = False
        while True:
            began = time.perf_counter()
            await bench.cycle()
            answering.publish(bench.published.snapshots[SPACE])
            while answering.busy or bench.published._encoding:
                await deferLater(reactor, 0.005)
            print(time.perf_counter() - began if told else port, flush=True)
            told = True
            await deferLater(reactor, REST)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((LOCALHOST, 0))
        port: int = probe.getsockname()[1]
        return port


def main(what: str) -> None:
    """The command line: echo, responder or cycles."""
    in_reactor(
        lambda reactor: serve_in_cycles(reactor) if what == "cycles" else serve(reactor, what)
    )


if __name__ == "__main__":
    main(sys.argv[1])
