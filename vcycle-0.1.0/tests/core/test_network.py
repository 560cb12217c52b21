"""Tests for vcycle.core.network."""

from __future__ import annotations

from xml.etree import ElementTree

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.network import (
    SPARE_SLOTS,
    Lease,
    NetworkPlan,
    network_plan,
    network_xml,
    read_network,
)

PLAN = network_plan("169.254.0.0/16", "factory1.example.com", 10)


class NetworkTests(SynchronousTestCase):
    def test_plan(self) -> None:
        """Each slot has a lease of its address to its MAC address, and there are some to spare."""
        self.assertEqual("vcycle_169.254.0.0", PLAN.name)
        self.assertEqual(("169.254.169.254", "255.255.0.0"), (PLAN.host, PLAN.netmask))
        self.assertEqual(SPARE_SLOTS, len(PLAN.leases))
        lease = Lease(mac="56:4d:a9:fe:a9:0c", ip="169.254.169.12", name="factory1-12.example.com")
        self.assertIn(lease, PLAN.leases)

    def test_sizes(self) -> None:
        """Leases never exceed the network, nor fall short of the slots."""
        self.assertEqual(5, len(network_plan("10.0.0.0/29", "f.example.com", 2).leases))
        self.assertEqual(1000, len(network_plan("10.0.0.0/16", "f.example.com", 1000).leases))
        error = self.assertRaises(ValueError, network_plan, "10.0.0.0/29", "f.example.com", 6)
        self.assertIn("addresses for 5 machines", str(error))

    def test_bridges(self) -> None:
        """Networks differ in name and bridge, whose name fits into Linux's 15 characters."""
        plans = [network_plan(f"{n}.254.0.0/16", "f.example.com", 1) for n in (10, 169, 255)]
        self.assertEqual(3, len({plan.bridge for plan in plans}))
        self.assertEqual(3, len({plan.name for plan in plans}))
        self.assertTrue(all(len(plan.bridge) <= 15 for plan in plans))

    def test_xml(self) -> None:
        """The XML asks for NAT, the host's address, fixed leases only, and no-ping."""
        root = ElementTree.fromstring(network_xml(network_plan("10.0.0.0/29", "f.example.com", 1)))
        forward, ip = root.find("forward"), root.find("ip")
        assert forward is not None and ip is not None
        self.assertEqual({"mode": "nat"}, forward.attrib)
        self.assertEqual({"address": "10.0.0.6", "netmask": "255.255.255.248"}, ip.attrib)
        self.assertEqual(5, len(ip.findall("dhcp/host")))
        self.assertEqual([], ip.findall("dhcp/range"))
        self.assertIn("no-ping", network_xml(PLAN))

    def test_forward_dev(self) -> None:
        """Forwarding can be bound to one interface; a name that is none is refused."""
        bound = evolve(PLAN, forward_dev="eth1")
        self.assertEqual("eth1", read_network(network_xml(bound)).forward_dev)
        self.assertRaises(ValueError, network_xml, evolve(PLAN, forward_dev="a\nb"))

    @given(st.sampled_from(["169.254.0.0/16", "10.0.0.0/24"]), st.integers(0, 200))
    def test_round_trip(self, guest_network: str, slots: int) -> None:
        """A plan is found again in its XML."""
        plan = network_plan(guest_network, "factory1.example.com", slots, "eth0")
        self.assertEqual(plan, read_network(network_xml(plan)))

    def test_libvirts_words(self) -> None:
        """What libvirt adds of its own is of no account."""
        xml = network_xml(PLAN).replace("<name>", "<uuid>x</uuid><mac address='52:54'/><name>")
        self.assertEqual(PLAN, read_network(xml.replace("56:4d", "56:4D")))

    def test_serves(self) -> None:
        """A network serves a plan if it has all its leases, and differs in nothing else."""
        less: NetworkPlan = evolve(PLAN, leases=frozenset(list(PLAN.leases)[:5]))
        self.assertTrue(PLAN.serves(less))
        self.assertFalse(less.serves(PLAN))
        self.assertTrue(less.like(PLAN))
        self.assertFalse(PLAN.serves(evolve(PLAN, host="169.254.169.253")))

    def test_hostile(self) -> None:
        """What is no network's XML is a ValueError."""
        for xml in ("", "nonsense", "<network", "<!DOCTYPE a><network/>", "\x00"):
            self.assertRaises(ValueError, read_network, xml)
        self.assertEqual("", read_network("<network/>").name)
