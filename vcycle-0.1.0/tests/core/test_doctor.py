"""Tests for vcycle.core.doctor."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.doctor import Finding, HostFacts, Port, diagnose
from vcycle.core.veto import DISK_RESERVE

WELL = HostFacts(
    arch="x86_64",
    virtualizes=True,
    kvm_problem=None,
    uri="qemu:///system",
    libvirt="libvirt 9.0.0, driver QEMU",
    libvirt_problem=None,
    name="factory1.example.com",
    guest_network="169.254.0.0/16",
    bridge="vcbr0",
    addresses=(("192.0.2.7/24", "eth0"), ("169.254.169.254/16", "vcbr0"), ("0.0.0.0/0", "eth0")),
    zeroconf=None,
    state_dir="/var/lib/vcycle",
    disk_free=10 * DISK_RESERVE,
    ports=(Port(protocol="UDP", number=995, option="vacquery_port", taken=False, ours=False),),
    clock_true=True,
)

ELSEWHERE = evolve(WELL, guest_network="10.254.0.0/16", bridge="vcbr1", addresses=())


def failed(facts: HostFacts) -> list[Finding]:
    return [finding for finding in diagnose(facts) if finding.good is False]


class DiagnoseTests(SynchronousTestCase):
    def test_well(self) -> None:
        """Of a host that has everything nothing is complained of."""
        self.assertEqual([], failed(WELL))

    def test_failures(self) -> None:
        """Each thing that is missing is named alone, with its cure."""
        taken = Port(protocol="TCP", number=9979, option="monitor_port", taken=True, ours=False)
        for facts, what, cure in (
            (evolve(WELL, virtualizes=False), "KVM", "firmware"),
            (evolve(WELL, kvm_problem="/dev/kvm: Permission denied"), "KVM", "group kvm"),
            (evolve(WELL, libvirt_problem="refused"), "libvirt", "systemctl enable"),
            (evolve(WELL, name="factory1"), "host name", "factory_name"),
            (
                evolve(WELL, addresses=(("169.254.169.254/32", "lo"),)),
                "guest network",
                "guest_network",
            ),
            (evolve(WELL, zeroconf="avahi-autoipd runs"), "Zeroconf", "NOZEROCONF=yes"),
            (evolve(WELL, disk_free=DISK_RESERVE - 1), "disk", "make room"),
            (evolve(WELL, ports=(taken,)), "TCP port 9979", "another monitor_port"),
            (evolve(WELL, clock_true=False), "clock", "chronyd"),
            (evolve(WELL, commands_missing=("qemu-img",)), "programs", "or qemu-utils (Debian)"),
            (evolve(WELL, commands_missing=("ip",)), "programs", "iproute (Enterprise Linux)"),
            (evolve(WELL, cloud="OpenStack"), "guest network", "set guest_network"),
            (evolve(ELSEWHERE, cloud="OpenStack"), "metadata", "ip rule add from 10.254.0.0/16"),
            (
                evolve(ELSEWHERE, addresses=(("169.254.169.254", "eth0"),)),
                "metadata",
                "ip rule add from 10.254.0.0/16",
            ),
        ):
            found = failed(facts)
            self.assertEqual([what], [finding.what for finding in found])
            self.assertIn(cure, found[0].cure)

    def test_no_failures(self) -> None:
        """What is ours, or has no bearing, is no failure."""
        port = Port(protocol="UDP", number=995, option="vacquery_port", taken=True, ours=True)
        for facts in (
            evolve(WELL, ports=(port,)),
            evolve(WELL, guest_network=None, addresses=(("169.254.1.1/16", "eth0"),)),
            evolve(WELL, arch="aarch64", virtualizes=False),
            evolve(WELL, disk_free=None),
            evolve(WELL, clock_true=None),
            evolve(WELL, addresses=(("nonsense", "eth0"),)),
            ELSEWHERE,
            evolve(ELSEWHERE, addresses=(("169.254.0.0/16", "eth0"),)),
            evolve(ELSEWHERE, cloud="OpenStack", kept_back=True),
            evolve(WELL, guest_network=None, cloud="OpenStack"),
        ):
            self.assertEqual([], failed(facts))
