"""Tests for vcycle.providers.libvirt.capability."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vcycle.providers.libvirt.capability import (
    acceleration,
    has_networks,
    is_local,
    is_test,
    kvm_problem,
)

INTEL = "processor\t: 0\nflags\t\t: fpu vme de vmx ssse3\n"
AMD = "processor\t: 0\nflags\t\t: fpu svm\n"
NEITHER = "processor\t: 0\nmodel name\t: vmx of a kind\nflags\t\t: fpu vmxnet svmx\n"


class CapabilityTests(SynchronousTestCase):
    def test_kvm(self) -> None:
        """KVM is used where the processor says vmx or svm, and the device opens."""
        for cpuinfo in (INTEL, AMD):
            self.assertEqual("kvm", acceleration("x86_64", cpuinfo, None)[0])

    def test_device_alone(self) -> None:
        """A device that opens proves nothing where the processor cannot."""
        kind, reason = acceleration("x86_64", NEITHER, None)
        self.assertEqual("qemu", kind)
        self.assertIn("neither vmx nor svm", reason)

    def test_no_device(self) -> None:
        """Without a device that opens there is emulation, and the reason is given."""
        kind, reason = acceleration("x86_64", INTEL, "/dev/kvm: Permission denied")
        self.assertEqual("qemu", kind)
        self.assertIn("/dev/kvm: Permission denied", reason)

    def test_other_processors(self) -> None:
        """Where processors have no such words the device is enough."""
        self.assertEqual("kvm", acceleration("aarch64", "", None)[0])

    def test_device(self) -> None:
        """A device counts only if it opens for reading and writing."""
        device = Path(self.mktemp())
        self.assertIn("No such file", kvm_problem(str(device)) or "")
        device.touch()
        self.assertIsNone(kvm_problem(str(device)))

    def test_uris(self) -> None:
        """What a URI names is known from its parts."""
        for uri, local, test, networks in (
            ("qemu:///system", True, False, True),
            ("qemu+unix:///system?socket=/run/x", True, False, True),
            ("qemu+tls://host.example.com/system", False, False, True),
            ("qemu:///session", True, False, False),
            ("qemu:///embed?root=/tmp/x", True, False, False),
            ("test:///default", True, True, False),
            ("test+tcp://host/default", False, True, False),
        ):
            self.assertEqual(
                (local, test, networks), (is_local(uri), is_test(uri), has_networks(uri)), uri
            )
