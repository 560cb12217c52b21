"""Factories on a network in memory, and who asks them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from attrs import Factory, define, field
from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol

from tests.core.values import NOW, SPACE
from tests.inplace import in_place
from vcycle.core.config.model import Space
from vcycle.core.errors import VcycleError
from vcycle.core.peers import PeerReport
from vcycle.core.vacquery.decode import decode_query
from vcycle.core.vacquery.encode import encode_answer
from vcycle.core.vacquery.messages import Answer, FactoryStatus, Kind, MachinetypeStatus, Query
from vcycle.testing.udpnetwork import MemoryNetwork
from vcycle.vacquery.asker import Asker
from vcycle.vacquery.names import Names
from vcycle.vacquery.peers import UdpPeers

PORT = 9950
SKEW = 3600
"""Factories' clocks are set so many seconds ahead of ours."""


@define(eq=False)
class FactoryProtocol(DatagramProtocol):
    """Answers for one factory as the family does: one without machinetypes tells nothing."""

    ground: Ground
    name: str
    reports: Sequence[PeerReport]
    space: str = SPACE
    queries: list[Query] = Factory(list)
    noisy = False

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        query = decode_query(datagram)
        self.queries.append(query)
        assert self.transport is not None, "it listens"
        for answer in self.answers(query):
            self.transport.write(encode_answer(answer), addr)

    def answers(self, query: Query) -> list[Answer]:
        common: dict[str, Any] = {
            "cookie": query.cookie,
            "space": self.space,
            "factory": self.name,
            "time_sent": int(self.ground.wall()) + SKEW,
        }
        if query.kind is Kind.FACTORY:
            return [FactoryStatus(**common, running_machines=len(self.reports))]
        if query.kind is Kind.MACHINES:
            return []
        return [
            MachinetypeStatus(
                **common,
                num_machinetypes=len(self.reports),
                machinetype=report.machinetype,
                running_hs06=report.running_hs06,
                num_before_fizzle=report.young,
                running_machines=report.running_machines,
                running_processors=report.running_processors,
                shutdown_message=report.abort_message,
                shutdown_machine=report.abort_machine,
                shutdown_time=(
                    None if report.last_abort is None else int(report.last_abort) + SKEW
                ),
            )
            for report in self.reports
        ]


@define(eq=False)
class Ground:
    """``addresses`` is what the name service knows: each factory that was told of gets one."""

    network: MemoryNetwork = Factory(MemoryNetwork)
    addresses: dict[str, tuple[str, ...]] = Factory(dict)
    listening: dict[str, FactoryProtocol] = Factory(dict)
    lookups: list[str] = Factory(list)
    secret: bytes | None = None
    refusal: str | None = None
    names: Names = field(init=False)
    asker: Asker = field(init=False)
    peers: UdpPeers = field(init=False)

    def __attrs_post_init__(self) -> None:
        salts = itertools.count()
        reactor: Any = self.network  # it has all that is asked for, each by itself
        self.names = Names(self.network, in_place, self.look_up)
        self.asker = Asker(
            reactor=reactor,
            names=self.names,
            clock=self.wall,
            salt=lambda: f"salt-{next(salts)}",
            secret=self.secret_of,
            port=PORT,
        )
        self.peers = UdpPeers(self.asker, self.wall)

    def wall(self) -> float:
        return NOW + self.network.seconds()

    async def secret_of(self, space: Space) -> bytes | None:
        if self.refusal is not None:
            raise VcycleError(self.refusal)
        return self.secret

    def look_up(self, name: str) -> tuple[str, ...]:
        self.lookups.append(name)
        return self.addresses.setdefault(name, (f"10.0.0.{len(self.addresses) + 1}",))

    def tell(self, name: str, *reports: PeerReport) -> FactoryProtocol:
        """From now on a factory is alive and tells this."""
        if name in self.listening:
            self.listening[name].reports = reports
        else:
            protocol = self.listening[name] = FactoryProtocol(self, name, reports)
            host = self.look_up(name)[0]
            self.network.listenUDP(PORT, protocol, interface=host)
        return self.listening[name]

    def silence(self, name: str) -> None:
        """From now on it is dead."""
        transport: Any = self.listening.pop(name).transport
        transport.stopListening()

    def wait_for(self, waiting: Deferred[Any], seconds: float = 100.0) -> float:
        """Let time pass until it fires; how many seconds that took."""
        start = self.network.seconds()
        while not waiting.called and self.network.seconds() < start + seconds:
            times = [call.getTime() for call in self.network.getDelayedCalls()]
            if not times:
                break
            self.network.advance(max(0.0, min(times) - self.network.seconds()))
        return self.network.seconds() - start

    def run(self, awaitable: Any) -> tuple[Any, float]:
        """What comes of it, and after how many seconds."""
        waiting: Deferred[Any] = Deferred.fromCoroutine(awaitable)
        seconds = self.wait_for(waiting)
        result: list[Any] = []
        waiting.addCallback(result.append)
        return result[0], seconds
