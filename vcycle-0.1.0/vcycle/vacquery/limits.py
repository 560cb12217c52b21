"""Who is answered, and how much."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Union

from attrs import Factory, define, field, frozen

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

MOST_SOURCES = 4096
"""Sources whose rate is watched at one time; further ones wait until one of them is quiet."""

SWEEP_SECONDS = 1.0


def networks(words: Iterable[str]) -> tuple[Network, ...]:
    """:raises ValueError: one of these is no network."""
    return tuple(ipaddress.ip_network(word) for word in words)


@frozen
class Audience:
    """
    Those to whom a space is told: ``factories`` are addresses, ``allowed`` further networks.

    Nobody else gets a word, so that what they ask costs and tells nothing.
    """

    factories: frozenset[str] = frozenset()
    allowed: tuple[Network, ...] = ()

    def admits(self, host: str) -> tuple[bool, bool]:
        """Is this address answered, and is it limited? Factories and this host itself are not."""
        try:
            address = _plain(host)
        except ValueError:
            return False, False
        if str(address) in self.factories or host in self.factories:
            return True, False
        admitted = any(
            address.version == network.version and address in network for network in self.allowed
        )
        return admitted, admitted and not address.is_loopback


def _plain(host: str) -> Address:
    """An address without its interface; IPv4 in IPv6's clothes is IPv4."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@define(eq=False)
class Rates:
    """
    Datagrams for each source: ``rate`` a second, and as many at once; the last query may exceed.

    Times are seconds of any one clock that does not go back. Memory is bounded: where more than
    ``most`` sources are busy at one time, new ones get nothing.
    """

    rate: int
    most: int = MOST_SOURCES
    _owing: dict[str, tuple[float, float]] = field(default=Factory(dict), init=False)
    _swept: float = field(default=float("-inf"), init=False)

    def spend(self, source: str, count: int, now: float) -> bool:
        """May it get ``count`` datagrams now? If so they are counted."""
        owed = self._owing.get(source)
        owing = 0.0
        if owed is not None:
            owing = max(0.0, owed[0] - (now - owed[1]) * self.rate)
        elif len(self._owing) >= self.most and not self._sweep(now):
            return False
        if owing > self.rate - 1:
            return False
        self._owing[source] = (owing + count, now)
        return True

    def _sweep(self, now: float) -> bool:
        """Forget who owes nothing any more; at most once a second, as it takes a while."""
        if now - self._swept >= SWEEP_SECONDS:
            self._swept = now
            self._owing = {
                source: (owing, at)
                for source, (owing, at) in self._owing.items()
                if owing > (now - at) * self.rate
            }
        return len(self._owing) < self.most
