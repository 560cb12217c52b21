"""
All ways to an ordinary cloud image, one after another; it takes some minutes, and is run by hand:
``tests/run cloud``.
"""

from __future__ import annotations

from tests.system.cloudcase import CloudCase
from tests.system.cloudimage import tell_kernel
from tests.system.systemcase import OnSystem


class UserNetworkVariants(CloudCase):
    """With user networking, where the firmware tells each machine its own address."""

    def test_metadata(self) -> None:
        """cloud-init asks our web server, which its firmware's serial number names."""
        record = self.lives("cloud", "metadata")
        self.assertIn("DataSourceNoCloudNet", self.said(record, "datasource"))
        self.assertIn("#!/bin/sh", self.said(record, "served"))

    def test_configdrive(self) -> None:
        """cloud-init reads the CD-ROM as one of OpenStack's."""
        record = self.lives("cloud", "configdrive")
        self.assertIn("DataSourceConfigDrive", self.said(record, "datasource"))
        self.assertEqual("Not Found", self.said(record, "served"))

    def test_both(self) -> None:
        """With both there is no contradiction, whichever is found first."""
        record = self.lives("cloud", "metadata nocloud")
        self.assertIn("DataSourceNoCloud", self.said(record, "datasource"))
        self.assertIn("#!/bin/sh", self.said(record, "served"))


class NetworkVariants(CloudCase, OnSystem):
    """On a network of libvirt's, where the metadata is at the well-known address."""

    def test_metadata(self) -> None:
        """cloud-init, not told what to do, asks at the address that its firmware names."""
        record = self.lives("cloud", "metadata")
        self.assertIn("http://169.254.169.254/", self.said(record, "datasource"))

    def test_ec2(self) -> None:
        """cloud-init that takes us for EC2, as images for that cloud do, is served too."""
        tell_kernel(self.image(), "ci.ds=Ec2")
        record = self.lives("cloud", "metadata")
        self.assertIn("DataSourceEc2", self.said(record, "datasource"))

    def test_nocloud(self) -> None:
        """The CD-ROM's network configuration names the card by its address."""
        record = self.lives("cloud", "nocloud")
        self.assertIn("/dev/sr0", self.said(record, "datasource"))
        self.assertEqual("Not Found", self.said(record, "served"))


del CloudCase, OnSystem
