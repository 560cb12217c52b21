"""Tests for vcycle.core.config.lending."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.core.config.writing import MACHINETYPE, SETTINGS, machinetype_of, told


class LendingTests(SynchronousTestCase):
    def found(self, settings: str, machinetype: str = "") -> list[str]:
        return told(f"{SETTINGS}{settings}\n{MACHINETYPE}{machinetype}\n")

    def test_state_directory(self) -> None:
        """What holds other machines' secrets, or lies among them, is not shared."""
        for path, word in (
            ("/.", "holds"),
            ("/var", "holds"),
            ("/var/lib/vcycle", "holds"),
            ("/var//lib/./vcycle/", "holds"),
            ("/var/lib/vcycle/spaces", "is within"),
        ):
            [said] = self.found("", f"shared_dirs = data:{path}")
            self.assertIn(f"{path} {word} the state directory, /var/lib/vcycle", said)
            self.assertTrue(said.startswith("a.conf:7: "), said)
        for path in ("/var/lib/vcycle2", "/srv", "/var/lib/other"):
            self.assertEqual([], self.found("", f"shared_dirs = data:{path}"))

    def test_nfs(self) -> None:
        """Exports go to machines of this host that have addresses."""
        shared = "shared_dirs = data:/srv"
        self.assertEqual([], self.found("sharing = nfs", shared))
        for uri in ("qemu:///session", "qemu+ssh://other.example.com/system"):
            self.assertEqual([], self.found(f"sharing = nfs\nlibvirt_uri = {uri}"))
            [said] = self.found(f"sharing = nfs\nlibvirt_uri = {uri}", shared)
            self.assertIn(f"libvirt_uri = qemu:///system, not {uri}", said)
            self.assertEqual([], self.found(f"libvirt_uri = {uri}", shared))

    def test_volume_group(self) -> None:
        """libvirt's embedded driver has no storage pools."""
        [said] = self.found("volume_group = vg0\nlibvirt_uri = qemu:///embed?root=/run/q")
        self.assertIn("volume_group needs storage pools", said)
        self.assertEqual([], self.found("volume_group = vg0"))

    def test_size(self) -> None:
        """Without a size, a volume's is computed from its group."""
        self.assertIsNone(machinetype_of("", "volume_group = vg0").disk_gb_per_processor)
        sized = machinetype_of("disk_gb_per_processor = 20", "volume_group = vg0")
        self.assertEqual(20.0, sized.disk_gb_per_processor)
