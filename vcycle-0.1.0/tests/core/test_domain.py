"""Tests for vcycle.core.domain."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.specs import named, spec
from tests.core.test_mark import fitting
from vcycle.core.domain import METADATA_URL, Platform, domain_xml
from vcycle.core.machine import Boot, Disk, Shared, Spec

VECTORS = Path(__file__).parent / "vectors"
KVM = Platform(
    domain_type="kvm", arch="x86_64", network="vcycle_169.254.0.0", cpu_mode="host-passthrough"
)
TCG = Platform(domain_type="qemu", arch="x86_64", network=None, cpu_mode=None)
DIRECT = Boot(
    kernel="/boot/vmlinux", initrd="/boot/initrd", arguments="quiet vc.md=##metadata_url##/latest"
)

# Unpaired surrogates cannot even be written; so they are tried one by one below.
controls = st.sampled_from("\x00\x01\t\n\r\x1f\x7f\x9f\uffff")


def cernvm() -> Spec:
    """An ISO and a disk, as CernVM wants it."""
    return spec(
        12,
        processors=2,
        console="/var/lib/vcycle/machines/m/console.log",
        disks=(
            Disk(path="/images/cernvm.iso", kind="raw", device="hdc", cdrom=True),
            Disk(path="/disks/m.raw", kind="raw", device="vda"),
        ),
    )


def direct() -> Spec:
    """A kernel and its metadata by URL, as the demonstration has it."""
    wanted = spec(3, boot=DIRECT, disks=(Disk(path="/d/o.qcow2", kind="qcow2", device="vdb"),))
    return evolve(wanted, metadata_url="http://10.0.2.2:8169/s3cret")


def _serial(root: ElementTree.Element) -> str | None:
    return root.findtext("sysinfo/system/entry[@name='serial']")


class DomainTests(SynchronousTestCase):
    def golden(self, name: str, xml: str) -> None:
        root = ElementTree.fromstring(xml)
        ElementTree.indent(root)
        found = ElementTree.tostring(root, encoding="unicode") + "\n"
        self.assertEqual((VECTORS / name).read_text(encoding="utf-8"), found)

    def test_iso_on_kvm(self) -> None:
        """ISO and disk, in the network whose filter binds the machine to its address."""
        self.golden("domain-iso-kvm.xml", domain_xml(cernvm(), KVM))

    def test_direct_on_emulation(self) -> None:
        """Kernel, initrd, and the metadata's URL in the arguments and in SMBIOS."""
        self.golden("domain-direct-qemu.xml", domain_xml(direct(), TCG))

    def test_test_driver(self) -> None:
        """The test driver gets its own architecture."""
        platform = Platform(domain_type="test", arch=None, network=None, cpu_mode=None)
        root = ElementTree.fromstring(domain_xml(spec(1), platform))
        self.assertEqual("test", root.get("type"))
        kind = root.find("os/type")
        assert kind is not None
        self.assertEqual({}, kind.attrib)

    def test_well_known_address(self) -> None:
        """Without a URL of its own kernel and SMBIOS are told the well-known address."""
        root = ElementTree.fromstring(domain_xml(evolve(direct(), metadata_url=None), TCG))
        self.assertEqual("quiet vc.md=http://169.254.169.254/latest", root.findtext("os/cmdline"))
        self.assertEqual("ds=nocloud-net;s=http://169.254.169.254/", _serial(root))

    def test_no_hint(self) -> None:
        """A machine that has its user_data otherwise is told of no metadata by its firmware."""
        for url in (None, "http://10.0.2.2:8169/s3cret"):
            wanted = evolve(direct(), metadata_url=url, hinted=False)
            root = ElementTree.fromstring(domain_xml(wanted, TCG))
            self.assertIsNone(root.find("sysinfo"))
            self.assertIsNone(root.find("os/smbios"))
            self.assertIn(url or METADATA_URL, root.findtext("os/cmdline") or "")

    def test_no_firmware_tables(self) -> None:
        """Where processors have no such firmware, nothing is said at the well-known address."""
        platform = evolve(TCG, arch="s390x")
        root = ElementTree.fromstring(domain_xml(evolve(direct(), metadata_url=None), platform))
        self.assertIsNone(root.find("sysinfo"))

    def test_volume(self) -> None:
        """A volume is a block device by its path; one without a path is refused."""
        disk = Disk(path="/dev/vg0/vcycle-1-root", kind="raw", device="vda")
        root = ElementTree.fromstring(domain_xml(spec(1, disks=(disk,)), KVM))
        [element] = root.findall("devices/disk")
        self.assertEqual({"type": "block", "device": "disk"}, element.attrib)
        source = element.find("source")
        assert source is not None
        self.assertEqual({"dev": disk.path}, source.attrib)
        with self.assertRaises(ValueError):
            domain_xml(spec(1, disks=(evolve(disk, pool="vg0"),)), KVM)

    def shared(self, *ways: str) -> ElementTree.Element:
        shared = [
            Shared(tag=f"t{n}", path="/srv/x", writable=n > 0, how=how)
            for n, how in enumerate(ways)
        ]
        return ElementTree.fromstring(domain_xml(evolve(spec(1), shared=tuple(shared)), KVM))

    def test_9p(self) -> None:
        """A directory under its tag, read-only unless it may be written to."""
        first, second = self.shared("9p", "9p").findall("devices/filesystem")
        self.assertEqual({"type": "mount", "accessmode": "mapped"}, first.attrib)
        self.assertEqual(
            [("source", {"dir": "/srv/x"}), ("target", {"dir": "t0"}), ("readonly", {})],
            [(child.tag, child.attrib) for child in first],
        )
        self.assertIsNone(second.find("readonly"))

    def test_virtiofs(self) -> None:
        """virtiofs needs memory that is shared with the process that serves the files."""
        root = self.shared("virtiofs")
        access = root.find("memoryBacking/access")
        assert access is not None
        self.assertEqual({"mode": "shared"}, access.attrib)
        driver = root.find("devices/filesystem/driver")
        assert driver is not None
        self.assertEqual({"type": "virtiofs"}, driver.attrib)
        self.assertIsNone(self.shared("9p").find("memoryBacking"))

    def test_other_ways(self) -> None:
        """A hypervisor does not share by NFS."""
        with self.assertRaises(ValueError):
            self.shared("nfs")

    def test_devices(self) -> None:
        """A disk is on the bus that its device's name says."""
        for device, bus in (("vda", "virtio"), ("hda", "ide"), ("sdb", "ide")):
            disk = Disk(path="/d", kind="raw", device=device)
            root = ElementTree.fromstring(domain_xml(spec(1, disks=(disk,)), TCG))
            target = root.find("devices/disk/target")
            assert target is not None
            self.assertEqual({"dev": device, "bus": bus}, target.attrib)

    def test_no_address(self) -> None:
        """No machine goes without an address into a network that filters addresses."""
        wanted = spec(1)
        for record in (evolve(wanted.record, address=None), evolve(wanted.record, mac=None)):
            error = self.assertRaises(ValueError, domain_xml, evolve(wanted, record=record), KVM)
            self.assertIn("has no address in the network vcycle_169.254.0.0", str(error))

    @given(fitting, fitting, fitting)
    def test_any_text(self, name: str, path: str, arguments: str) -> None:
        """Whatever markup a text resembles, it is found again as it was."""
        name = f"m{name.replace('/', '')}"
        boot = Boot(kernel=path, initrd=None, arguments=arguments)
        wanted = named(spec(1, boot=boot, console=path), name)
        root = ElementTree.fromstring(domain_xml(wanted, TCG))
        self.assertEqual(name, root.findtext("name"))
        self.assertEqual(path, root.findtext("os/kernel") or "")
        self.assertEqual(arguments, root.findtext("os/cmdline") or "")
        source = root.find("devices/serial/source")
        assert source is not None
        self.assertEqual(path, source.get("path"))

    @given(fitting, controls, fitting)
    def test_controls(self, before: str, control: str, after: str) -> None:
        """Control characters are refused wherever they stand."""
        self.refuse(before + control + after)

    def test_surrogates(self) -> None:
        """So are characters that are none."""
        self.refuse("a\ud800b")

    def test_names(self) -> None:
        """A blank name, and one with a slash, are refused."""
        for name in ("", "  ", "a/b"):
            self.assertRaises(ValueError, domain_xml, named(spec(1), name), TCG)

    def refuse(self, text: str) -> None:
        wanted = direct()
        disk = Disk(path="/d", kind="raw", device="vda")
        for hostile in (
            named(wanted, text),
            evolve(wanted, mark=evolve(wanted.mark, owner=text)),
            evolve(wanted, mark=evolve(wanted.mark, facts=text)),
            evolve(wanted, console=text),
            evolve(wanted, metadata_url=text),
            evolve(wanted, boot=evolve(DIRECT, kernel=text)),
            evolve(wanted, boot=evolve(DIRECT, initrd=text)),
            evolve(wanted, boot=evolve(DIRECT, arguments=text)),
            evolve(wanted, record=evolve(wanted.record, mac=text)),
            *(
                evolve(wanted, disks=(changed,))
                for changed in (
                    evolve(disk, path=text),
                    evolve(disk, kind=text),
                    evolve(disk, device=text),
                )
            ),
        ):
            self.assertRaises(ValueError, domain_xml, hostile, TCG)
