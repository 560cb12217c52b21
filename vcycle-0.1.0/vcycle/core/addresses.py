"""Names and addresses of a factory's slots, as Vac laid them out."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv4Network

from attrs import frozen

DEFAULT_NETWORK = "169.254.0.0/16"
METADATA = IPv4Address("169.254.169.254")

_FIRST = IPv4Address("169.254.169.0")
# Vac gave the host the first, and Vac's guests know that they must leave both alone.
_KEPT_FREE = (IPv4Address("169.254.169.253"), METADATA)


@frozen(kw_only=True)
class GuestNetwork:
    """
    The network between a host and its machines.

    ``host`` is the host's own address in it; ``slots`` how many machines fit in.
    """

    network: IPv4Network

    @classmethod
    def parse(cls, text: str) -> GuestNetwork:
        """
        The network written like ``169.254.0.0/16``.

        :raises ValueError: this is no network in which a host and a machine find room.
        """
        try:
            network = IPv4Network(text)
        except ValueError as error:
            cure = f"write it like {DEFAULT_NETWORK}"
            raise ValueError(f"guest_network {text[:50]!r}: {error}; {cure}") from error
        guests = cls(network=network)
        if network.prefixlen > 30 or guests.slots < 1:
            raise ValueError(f"guest_network {text}: too small; a /29 or larger is needed")
        return guests

    @property
    def host(self) -> str:
        """169.254.169.254 in the default network, the last usable address of any other."""
        return str(self._host)

    @property
    def netmask(self) -> str:
        return str(self.network.netmask)

    @property
    def slots(self) -> int:
        return int(self.network.broadcast_address) + 1 - int(self._first) - len(self._reserved)

    def address(self, slot: int) -> str:
        """
        The IPv4 address of a slot's machine: no two slots share one, none is the host's.

        :raises ValueError: the network has not so many addresses.
        """
        if not 0 <= slot < self.slots:
            text = f"guest_network {self.network} has addresses for {self.slots} machines"
            raise ValueError(f"{text}, none for slot {slot}; give a larger network, or fewer slots")
        address = int(self._first) + slot
        for reserved in self._reserved:
            address += reserved <= address
        return str(IPv4Address(address))

    @property
    def _host(self) -> IPv4Address:
        if self._is_default:
            return METADATA
        return self.network.broadcast_address - 1

    @property
    def _first(self) -> IPv4Address:
        return _FIRST if self._is_default else self.network.network_address

    @property
    def _is_default(self) -> bool:
        return str(self.network) == DEFAULT_NETWORK

    @property
    def _reserved(self) -> list[int]:
        """Addresses that are no slot's, in ascending order, from the first slot's on."""
        ends = (self.network.network_address, self.network.broadcast_address)
        known = {*ends, self._host, *_KEPT_FREE}
        return sorted(int(a) for a in known if a in self.network and a >= self._first)


def mac(address: str) -> str:
    """
    The MAC address that goes with an IPv4 address: ``56:4D`` and its four bytes.

    :raises ValueError: this is no IPv4 address.
    """
    try:
        packed = IPv4Address(address).packed
    except AddressValueError as error:
        raise ValueError(f"{address[:50]!r} is no IPv4 address: {error}") from error
    return ":".join(["56", "4D", *(f"{byte:02X}" for byte in packed)])


def slot_name(factory_name: str, slot: int) -> str:
    """The name of a slot's machines: ``factory1-07.example.com`` of ``factory1.example.com``."""
    short, dot, domain = factory_name.partition(".")
    return f"{short}-{slot:02d}{dot}{domain}"
