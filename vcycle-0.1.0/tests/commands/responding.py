"""Factories that answer on loopback addresses, in a thread, as the tests want them to."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.vacquery.decode import decode_query
from vcycle.core.vacquery.encode import encode_answer
from vcycle.core.vacquery.messages import (
    Answer,
    FactoryStatus,
    MachineStatus,
    MachinetypeStatus,
    Query,
)

SPACE = "vac01.example.com"
NOW = 1767225600
"""2026-01-01, by the clocks of all these factories."""

Behaviour = Callable[[Query], Iterable[bytes]]
"""What a factory sends for a query."""


def machine(factory: str, slot: str, **other: Any) -> MachineStatus:
    """A slot, empty unless more is said; the host is named as the factory's first label."""
    label, _, domain = factory.partition(".")
    unused = MachineStatus(
        cookie=None,
        space=SPACE,
        factory=factory,
        time_sent=NOW,
        num_machines=1,
        machine=f"{label}-{slot}.{domain}",
        state="Shut down",
    )
    return evolve(unused, **other)


def running(factory: str, slot: str, **other: Any) -> MachineStatus:
    """A machine that has run for two hours, and used 95 % of its one processor."""
    usual: dict[str, Any] = {
        "state": "Running",
        "machinetype": "example",
        "machine_model": "vm-raw",
        "uuid": "9f0c2f5e-0f5b-4f0e-9a56-3a7c1a1f0b11",
        "created_time": NOW - 7230,
        "started_time": NOW - 7200,
        "heartbeat_time": NOW,
        "num_processors": 1,
        "cpu_seconds": 6840,
        "cpu_percentage": 97.4,
        "hs06": 10.5,
    }
    return machine(factory, slot, **{**usual, **other})


def machinetype(factory: str, name: str, **other: Any) -> MachinetypeStatus:
    """A machinetype of which nothing runs and nothing ended, unless more is said."""
    idle = MachinetypeStatus(
        cookie=None,
        space=SPACE,
        factory=factory,
        time_sent=NOW,
        num_machinetypes=1,
        machinetype=name,
        running_hs06=0.0,
        running_machines=0,
        running_processors=0.0,
        num_before_fizzle=0,
    )
    return evolve(idle, **other)


def status(factory: str, **other: Any) -> FactoryStatus:
    """A factory with four processors."""
    usual = FactoryStatus(
        cookie=None,
        space=SPACE,
        factory=factory,
        time_sent=NOW,
        daemon_version="Vcycle 0.1.0 vcycled",
        site="EXAMPLE-SITE",
        running_processors=1,
        running_machines=1,
        running_hs06=10.5,
        max_processors=4,
        max_machines=4,
        max_hs06=42.0,
        root_disk_avail_kb=41234567,
        daemon_disk_avail_kb=812345678,
        load_average=1.87,
        kernel_version="5.14.0-503.el9.x86_64",
        os_issue="Rocky Linux release 9.5 (Blue Onyx)",
        boot_time=NOW - 864000,
        factory_heartbeat_time=NOW - 20,
        responder_heartbeat_time=NOW - 5,
        mjf_heartbeat_time=0,
        swap_used_kb=0,
        swap_free_kb=8388604,
        mem_used_kb=61234567,
        mem_total_kb=131072000,
    )
    return evolve(usual, **other)


def answering(answers: Sequence[Answer]) -> Behaviour:
    """All answers that a factory of the family would give, each announcing how many there are."""
    wanted: Mapping[str, list[Answer]] = {
        "machines": [a for a in answers if isinstance(a, MachineStatus)],
        "machinetypes": [a for a in answers if isinstance(a, MachinetypeStatus)],
        "factory": [a for a in answers if isinstance(a, FactoryStatus)],
    }

    def behave(query: Query) -> Iterable[bytes]:
        these = wanted[query.kind.value]
        for answer in these:
            if answer.space != query.space:
                continue
            if isinstance(answer, MachineStatus):
                answer = evolve(answer, num_machines=len(these))
            elif isinstance(answer, MachinetypeStatus):
                answer = evolve(answer, num_machinetypes=len(these))
            yield encode_answer(evolve(answer, cookie=query.cookie))

    return behave


class Responders:
    """Each behaves on its own address, all on one port; ``queries`` are what they were asked."""

    def __init__(self, behaviours: Mapping[str, Behaviour]) -> None:
        self.queries: list[Query] = []
        self.datagrams: list[bytes] = []
        self.port = 0
        self._selector = selectors.DefaultSelector()
        self._sockets: list[socket.socket] = []
        for address, behaviour in behaviours.items():
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._sockets.append(made)
            made.bind((address, self.port))
            self.port = made.getsockname()[1]
            self._selector.register(made, selectors.EVENT_READ, behaviour)
        self._end, other = socket.socketpair()
        self._sockets += [self._end, other]
        self._selector.register(other, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                assert isinstance(key.fileobj, socket.socket)
                datagram, asker = key.fileobj.recvfrom(2048)
                self.datagrams.append(datagram)
                query = decode_query(datagram)
                self.queries.append(query)
                for answer in key.data(query):
                    key.fileobj.sendto(answer, asker)

    def end(self) -> None:
        """Nobody answers any more."""
        self._end.send(b"x")
        self._thread.join()
        self._selector.close()
        for each in self._sockets:
            each.close()


def serve(case: SynchronousTestCase, behaviours: Mapping[str, Behaviour]) -> Responders:
    """Responders that end with the test."""
    made = Responders(behaviours)
    case.addCleanup(made.end)
    return made
