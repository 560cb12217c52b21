"""Tests for vcycle.core.doctor."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.doctor import Connection, Finding, HostFacts, Network, Port, diagnose
from vcycle.core.veto import DISK_RESERVE

WELL = HostFacts(
    arch="x86_64",
    virtualizes=True,
    kvm_problem=None,
    connections=(Connection("qemu:///system", "libvirt 9.0.0, driver QEMU", None),),
    names=("factory1.example.com",),
    networks=(Network("169.254.0.0/16", "vcbr0"),),
    addresses=(("192.0.2.7/24", "eth0"), ("169.254.169.254/16", "vcbr0"), ("0.0.0.0/0", "eth0")),
    zeroconf=None,
    state_dir="/var/lib/vcycle",
    state_problem=None,
    disk_free=10 * DISK_RESERVE,
    ports=(Port(protocol="UDP", number=995, option="vacquery_port", taken=False, ours=False),),
    clock_true=True,
)

OTHER = Network("10.254.0.0/16", "vcbr1")
ELSEWHERE = evolve(WELL, networks=(OTHER,), addresses=())
REFUSED = Connection("qemu+ssh://hyper.test/system", "", "refused")


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
            (evolve(WELL, connections=(*WELL.connections, REFUSED)), "libvirt", "systemctl enable"),
            (evolve(WELL, names=("a.example.com", "factory1")), "host name", "factory_name"),
            (
                evolve(WELL, addresses=(("169.254.169.254/32", "lo"),)),
                "guest network",
                "guest_network",
            ),
            (
                evolve(
                    WELL,
                    networks=(*WELL.networks, OTHER),
                    addresses=(("10.254.3.0/24", "eth0"),),
                ),
                "guest network",
                "take it off that interface",
            ),
            (evolve(WELL, state_problem="/var/lib/vcycle cannot be written"), "disk", "chown"),
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

    def test_not_known(self) -> None:
        """A port that nobody may know the owner of is neither well nor a failure."""
        port = Port(protocol="UDP", number=995, option="vacquery_port", taken=True, ours=None)
        found = {finding.what: finding for finding in diagnose(evolve(WELL, ports=(port,)))}
        self.assertIsNone(found["UDP port 995"].good)
        self.assertIn("as root", found["UDP port 995"].cure)

    def test_no_failures(self) -> None:
        """What is ours, or has no bearing, is no failure."""
        port = Port(protocol="UDP", number=995, option="vacquery_port", taken=True, ours=True)
        for facts in (
            evolve(WELL, ports=(port,)),
            evolve(WELL, networks=(), addresses=(("169.254.1.1/16", "eth0"),)),
            evolve(WELL, arch="aarch64", virtualizes=False),
            evolve(WELL, disk_free=None),
            evolve(WELL, clock_true=None),
            evolve(WELL, addresses=(("nonsense", "eth0"),)),
            ELSEWHERE,
            evolve(ELSEWHERE, addresses=(("169.254.0.0/16", "eth0"),)),
            evolve(ELSEWHERE, networks=(evolve(OTHER, kept_back=True),), cloud="OpenStack"),
            evolve(WELL, networks=(), cloud="OpenStack"),
        ):
            self.assertEqual([], failed(facts))
