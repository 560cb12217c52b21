"""Factories that answer a round over a network that loses, doubles and delays: all simulated."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from random import Random
from typing import Any, Callable

from attrs import Factory, define, field

from vcycle.core.asking.round import Gathered, Round
from vcycle.core.asking.target import Address
from vcycle.core.vacquery.decode import decode_query
from vcycle.core.vacquery.encode import encode_answer
from vcycle.core.vacquery.messages import (
    FactoryStatus,
    Kind,
    MachineStatus,
    MachinetypeStatus,
    Query,
)

SPACE = "vac01.example.com"
START = 1000.0
PORT = 995


def name_of(number: int) -> str:
    return f"factory{number}.example.com"


def address_of(number: int) -> Address:
    return (f"10.0.{number // 250}.{number % 250 + 1}", PORT)


def factories(count: int) -> dict[str, tuple[Address, ...]]:
    return {name_of(number): (address_of(number),) for number in range(count)}


def answers_of(factory: str, query: Query, count: int) -> list[bytes]:
    """What a factory with ``count`` machines and machinetypes answers."""
    common: dict[str, Any] = {
        "cookie": query.cookie,
        "space": query.space,
        "factory": factory,
        "time_sent": 1_700_000_000,
    }
    if query.kind is Kind.FACTORY:
        return [encode_answer(FactoryStatus(**common, running_processors=count))]
    if query.kind is Kind.MACHINES:
        return [
            encode_answer(
                MachineStatus(
                    **common, num_machines=count, machine=f"m{n}.example.com", state="Running"
                )
            )
            for n in range(count)
        ]
    return [
        encode_answer(
            MachinetypeStatus(
                **common,
                num_machinetypes=count,
                machinetype=f"type-{n}",
                running_hs06=float(n),
                num_before_fizzle=0,
            )
        )
        for n in range(count)
    ]


@define
class Site:
    """One factory: how much it tells; a dead one tells nothing."""

    name: str
    count: int = 1
    dead: bool = False
    address: Address | None = None


@define
class Network:
    """
    Carries a round's datagrams. ``buffer`` is how many the asker's socket holds between two
    reads; ``fate`` says for each datagram the delays with which copies of it arrive.
    """

    sites: Mapping[Address, Site]
    fate: Callable[[], tuple[float, ...]] = lambda: (0.001,)
    buffer: int = 1 << 30
    sent: list[tuple[float, Address, Query]] = Factory(list)
    overflown: int = 0
    _under_way: list[tuple[float, int, Address, bytes, bool]] = Factory(list)
    _serial: int = 0
    strangers: list[tuple[float, Address, bytes]] = field(factory=list)

    def send(self, datagram: bytes, address: Address, now: float) -> None:
        self.sent.append((now, address, decode_query(datagram)))
        self._carry(now, address, datagram, to_site=True)

    def _carry(self, now: float, address: Address, datagram: bytes, to_site: bool) -> None:
        for delay in self.fate():
            self._serial += 1
            heapq.heappush(self._under_way, (now + delay, self._serial, address, datagram, to_site))

    def next_at(self) -> float:
        return self._under_way[0][0] if self._under_way else float("inf")

    def arrivals(self, now: float) -> list[tuple[bytes, Address]]:
        """What the asker can read now; what did not fit is lost."""
        arrived: list[tuple[bytes, Address]] = []
        while self._under_way and self._under_way[0][0] <= now:
            at, _, address, datagram, to_site = heapq.heappop(self._under_way)
            if not to_site:
                if len(arrived) < self.buffer:
                    arrived.append((datagram, address))
                else:
                    self.overflown += 1
                continue
            site = self.sites.get(address)
            if site is None or site.dead:
                continue
            query = decode_query(datagram)
            for answer in answers_of(site.name, query, site.count):
                self._carry(at, site.address or address, answer, to_site=False)
        return arrived


def network(count: int, **changes: Any) -> Network:
    """So many factories with one machine each."""
    return Network({address_of(n): Site(name_of(n)) for n in range(count)}, **changes)


def lossy(
    seed: int, loss: float, doubled: float, slowest: float
) -> Callable[[], tuple[float, ...]]:
    """Datagrams that are lost, doubled and overtake one another."""
    random = Random(seed)

    def fate() -> tuple[float, ...]:
        if random.random() < loss:
            return ()
        copies = 2 if random.random() < doubled else 1
        return tuple(random.uniform(0.0, slowest) for _ in range(copies))

    return fate


def drive(asking: Round, carried: Network, now: float = START) -> tuple[Gathered, float]:
    """Run a round to its end as a shell does; what came of it, and how many seconds it took."""
    start = now
    for _ in range(1_000_000):
        datagrams, wake = asking.wants(now)
        for datagram, address in datagrams:
            carried.send(datagram, address, now)
        if wake is None:
            return asking.result(), now - start
        now = max(now, min(wake, carried.next_at()))
        for datagram, address in carried.arrivals(now):
            asking.received(datagram, address, now)
    raise AssertionError("the round goes on and on")
