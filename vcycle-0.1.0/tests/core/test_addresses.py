"""Tests for vcycle.core.addresses."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from hypothesis import assume, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.addresses import DEFAULT_NETWORK, GuestNetwork, mac, slot_name

VECTOR = Path(__file__).parent / "vectors" / "addressing.json"

networks = st.builds(
    lambda bits, prefix: IPv4Network((bits << (32 - prefix) & 0xFFFFFFFF, prefix)),
    st.integers(0, 2**30 - 1),
    st.integers(1, 30),
)
# Networks around the well-known addresses are where mistakes would be made.
near = st.sampled_from([IPv4Network((0xA9FEA9FD >> n << n, 32 - n)) for n in range(2, 24)])


class AddressTests(SynchronousTestCase):
    def test_vector(self) -> None:
        """Slots have the names, addresses and MAC addresses that Vac gave them."""
        vector = json.loads(VECTOR.read_text(encoding="utf-8"))
        network = GuestNetwork.parse(DEFAULT_NETWORK)
        for slot in vector["slots"]:
            ip = network.address(slot["ordinal"])
            found = (slot_name(vector["factory"], slot["ordinal"]), ip, mac(ip))
            self.assertEqual((slot["name"], slot["ip"], slot["mac"]), found)

    def test_host(self) -> None:
        """The host has the metadata address in the default network, else the last usable one."""
        for text, host, netmask in (
            (DEFAULT_NETWORK, "169.254.169.254", "255.255.0.0"),
            ("10.1.2.0/24", "10.1.2.254", "255.255.255.0"),
            ("172.16.0.0/30", "172.16.0.2", "255.255.255.252"),
        ):
            network = GuestNetwork.parse(text)
            self.assertEqual((host, netmask), (network.host, network.netmask))

    def test_over_the_edge(self) -> None:
        """After 252 slots the two well-known addresses are left out, and counting goes on."""
        network = GuestNetwork.parse(DEFAULT_NETWORK)
        found = [network.address(slot) for slot in (252, 253, 254)]
        self.assertEqual(["169.254.169.252", "169.254.169.255", "169.254.170.0"], found)

    def test_small(self) -> None:
        """The smallest network has room for one machine."""
        network = GuestNetwork.parse("10.0.0.0/30")
        self.assertEqual((1, "10.0.0.1"), (network.slots, network.address(0)))

    def test_full(self) -> None:
        """A slot too many is refused with the number that fits in."""
        network = GuestNetwork.parse("10.0.0.0/29")
        self.assertEqual(5, network.slots)
        error = self.assertRaises(ValueError, network.address, 5)
        self.assertIn("10.0.0.0/29 has addresses for 5 machines, none for slot 5", str(error))
        self.assertRaises(ValueError, network.address, -1)

    def test_bad(self) -> None:
        """What is no network, or one without room, is refused with the cure."""
        for text in ("", "nonsense", "10.0.0.1/24", "10.0.0.0/31", "169.254.169.252/30", "::/64"):
            error = self.assertRaises(ValueError, GuestNetwork.parse, text)
            self.assertIn("guest_network", str(error))

    def test_bad_mac(self) -> None:
        """There is no MAC address for what is no IPv4 address."""
        error = self.assertRaises(ValueError, mac, "::1")
        self.assertIn("'::1' is no IPv4 address", str(error))

    def test_names(self) -> None:
        """A slot's number goes behind the host's short name, with two digits or more."""
        self.assertEqual("a-07.b.c", slot_name("a.b.c", 7))
        self.assertEqual("a-123.b", slot_name("a.b", 123))
        self.assertEqual("a-00", slot_name("a", 0))

    @given(st.one_of(networks, near), st.data())
    def test_properties(self, network: IPv4Network, data: st.DataObject) -> None:
        """No two slots share an address; none has the host's, a reserved, or an outer one."""
        assume(str(network) != "169.254.169.252/30")
        guests = GuestNetwork.parse(str(network))
        slot = data.draw(st.integers(0, guests.slots - 1))
        address = IPv4Address(guests.address(slot))
        self.assertIn(address, network)
        reserved = {network.network_address, network.broadcast_address, IPv4Address(guests.host)}
        reserved |= {IPv4Address("169.254.169.253"), IPv4Address("169.254.169.254")}
        self.assertNotIn(address, reserved)
        if slot + 1 < guests.slots:
            self.assertLess(address, IPv4Address(guests.address(slot + 1)))
        else:
            self.assertRaises(ValueError, guests.address, slot + 1)
