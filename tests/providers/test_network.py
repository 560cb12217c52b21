"""Tests for vcycle.providers.libvirt.network, on libvirt's test driver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import libvirt
from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.specs import spec
from tests.contracts.test_provider_libvirt import NODE
from vcycle.core.domain import Platform, domain_xml
from vcycle.core.network import NetworkPlan, network_plan, network_xml, read_network
from vcycle.providers.libvirt.eventloop import start_event_loop
from vcycle.providers.libvirt.failures import NoNetwork
from vcycle.providers.libvirt.network import ensure_network

PLAN = network_plan("169.254.0.0/16", "factory1.example.com", 10)
LESS = evolve(PLAN, leases=frozenset(sorted(PLAN.leases, key=lambda lease: lease.ip)[:250]))
OTHER = evolve(PLAN, forward_dev="eth1")
RENAMED = network_plan("169.254.0.0/16", "factory2.example.com", 10)


class EnsureNetworkTests(SynchronousTestCase):
    def setUp(self) -> None:
        start_event_loop()
        node = Path(self.mktemp())
        node.write_text(NODE, encoding="utf-8")
        self.connection = libvirt.open(f"test://{node.resolve()}")
        self.addCleanup(self.connection.close)

    def live(self) -> NetworkPlan:
        network = self.connection.networkLookupByName(PLAN.name)
        self.assertTrue(network.isActive())
        return read_network(network.XMLDesc(0))

    def uuid(self) -> Any:
        return self.connection.networkLookupByName(PLAN.name).UUIDString()

    def use(self) -> None:
        platform = Platform(domain_type="test", arch=None, network=PLAN.name, cpu_mode=None)
        self.connection.createXML(domain_xml(spec(1), platform), 0)

    def test_new(self) -> None:
        """A network that is not there is made, once."""
        ensure_network(self.connection, PLAN)
        first = self.uuid()
        ensure_network(self.connection, PLAN)
        self.assertEqual((PLAN, first), (self.live(), self.uuid()))

    def test_left_alone(self) -> None:
        """One that differs is left as it is where mending is not wanted, and that is told."""
        self.connection.networkCreateXML(network_xml(OTHER))
        error = self.assertRaises(NoNetwork, ensure_network, self.connection, PLAN, mend=False)
        self.assertIn("fix_networking = true", str(error))
        self.assertEqual(OTHER, self.live())
        ensure_network(self.connection, OTHER, mend=False)

    def test_other(self) -> None:
        """One that differs is replaced while no machine uses it."""
        for plan in (OTHER, RENAMED, LESS):
            self.connection.networkCreateXML(network_xml(plan))
            ensure_network(self.connection, PLAN)
            self.assertEqual(PLAN, self.live())
            self.connection.networkLookupByName(PLAN.name).destroy()

    def test_more(self) -> None:
        """One that has more leases serves as it is."""
        ensure_network(self.connection, PLAN)
        ensure_network(self.connection, LESS)
        self.assertEqual(PLAN, self.live())

    def test_defined(self) -> None:
        """One that is defined but inactive is started, or replaced if it differs."""
        self.connection.networkDefineXML(network_xml(PLAN))
        ensure_network(self.connection, PLAN)
        self.assertEqual(PLAN, self.live())
        network = self.connection.networkLookupByName(PLAN.name)
        network.destroy()
        ensure_network(self.connection, OTHER)
        self.assertEqual(OTHER, self.live())

    def test_in_use(self) -> None:
        """One that differs stays as it is while a machine uses it, and the cure is told."""
        ensure_network(self.connection, PLAN)
        self.use()
        for plan in (OTHER, evolve(PLAN, host="169.254.169.253")):
            error = self.assertRaises(NoNetwork, ensure_network, self.connection, plan)
            self.assertIn("drain the space", str(error))
        self.assertEqual(PLAN, self.live())

    def test_leases_in_use(self) -> None:
        """Leases are added to one in use; other names in leases are let be."""
        ensure_network(self.connection, LESS)
        self.use()
        first = self.uuid()
        ensure_network(self.connection, PLAN)
        self.assertEqual(first, self.uuid())
        self.assertEqual(PLAN, self.live())
        ensure_network(self.connection, RENAMED)
        self.assertEqual(PLAN, self.live())

    def test_refused(self) -> None:
        """What libvirt refuses is told in its words, with the cure."""
        plan = evolve(PLAN, host="nonsense")
        error = self.assertRaises(NoNetwork, ensure_network, self.connection, plan)
        self.assertIn("cannot make network vcycle_169.254.0.0: ", str(error))
        self.assertIn("guest_network", str(error))
