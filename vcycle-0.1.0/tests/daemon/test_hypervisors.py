"""Tests for vcycle.daemon.hypervisors: what each kind of URI gets."""

from __future__ import annotations

from typing import Any

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import space
from vcycle.core.observation import Use
from vcycle.daemon.fence import FenceRefused, is_fenced
from vcycle.daemon.fencing import refuse_outside
from vcycle.daemon.hypervisors import Hypervisors
from vcycle.daemon.ordered import OrderedServices
from vcycle.daemon.serving import GuestServer
from vcycle.providers.libvirt.provider import LibvirtProvider
from vcycle.threads import PrivateThreads


class HypervisorsTests(SynchronousTestCase):
    def setUp(self) -> None:
        reactor: Any = MemoryReactorClock()
        self.hypervisors = Hypervisors(reactor, reactor.seconds, self.mktemp())

    def test_services(self) -> None:
        """Threads start before the provider that needs them, and stop after it."""
        self.hypervisors.of(space())
        [services] = self.hypervisors
        assert isinstance(services, OrderedServices)
        kinds = [type(service) for service in services]
        order = [kinds.index(kind) for kind in (PrivateThreads, LibvirtProvider, GuestServer)]
        self.assertEqual(sorted(order), order)

    def test_one_for_each_uri(self) -> None:
        """Spaces on one URI share all of it, and others none."""
        one = self.hypervisors.of(space())
        self.assertIs(one, self.hypervisors.of(space(name="two.test")))
        other = self.hypervisors.of(space(libvirt_uri="qemu+ssh://host2/system"))
        self.assertIsNot(one, other)
        self.assertIsNot(one.book, other.book)
        self.assertEqual(2, len(list(self.hypervisors)))

    def test_network(self) -> None:
        """A libvirt daemon has networks; its machines are served at the host's address there."""
        found = self.hypervisors.of(
            space(libvirt_uri="qemu:///system", guest_network="192.168.7.0/24")
        )
        assert found.network is not None
        self.assertEqual("192.168.7.0/24", str(found.network.network))
        self.assertEqual("http://192.168.7.254/machine/x", found.server.metadata_url("x"))

    def test_well_known_network(self) -> None:
        """On the usual network machines find their metadata where every image looks for it."""
        found = self.hypervisors.of(space(libvirt_uri="qemu:///system"))
        self.assertIsNone(found.server.metadata_url("x"))

    def test_user_networking(self) -> None:
        """Without networks machines have no addresses, and call by their secret."""
        found = self.hypervisors.of(space(guest_http_port=8080))
        self.assertIsNone(found.network)
        self.assertEqual((None, None), found.lease(0))
        self.assertEqual("http://10.0.2.2:8080/machine/x", found.server.metadata_url("x"))

    def test_leave(self) -> None:
        """A space that is no more counts at none of them."""
        found = self.hypervisors.of(space())
        found.uses["one.test"] = Use(processors=4)
        self.hypervisors.leave("one.test")
        self.assertEqual({}, found.uses)


class OutsideTests(SynchronousTestCase):
    def test_refused(self) -> None:
        """Guests with user networking that come later may not be where there is a way out."""
        uri = "qemu:///embed?root=/run/vcycle"
        if is_fenced():
            refuse_outside(uri)
        else:
            error = self.assertRaises(FenceRefused, refuse_outside, uri)
            self.assertIn("start the daemon anew", str(error))

    def test_others(self) -> None:
        """Machines on libvirt's networks, other hosts, or the test driver are no matter."""
        for uri in ("qemu:///system", "qemu+ssh://host/session", "test:///default"):
            refuse_outside(uri)
