"""Tests for vcycle.core.seed."""

from __future__ import annotations

import json

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.core.test_metadata import BARE, FACTS, KEY
from vcycle.core.seed import seed_for

MAC = "56:4d:a9:fe:a9:01"
URL = "http://10.0.2.2:8080/machine/s3cret"
PLACES = {
    "machinefeatures": "http://169.254.169.253/machinefeatures",
    "jobfeatures": "http://169.254.169.253/jobfeatures",
    "joboutputs": "http://169.254.169.253/joboutputs",
}


class SeedTests(SynchronousTestCase):
    def files(self, *ways: str, bare: bool = False) -> dict[str, bytes]:
        seed = seed_for(ways, BARE if bare else FACTS)
        assert seed is not None
        return dict(seed.files)

    def test_which(self) -> None:
        """A CD-ROM only where one is asked for, and of the kind that is; labels are fixed."""
        self.assertIsNone(seed_for(("metadata",), FACTS))
        for ways, label in (
            (("nocloud",), "cidata"),
            (("metadata", "nocloud"), "cidata"),
            (("configdrive",), "config-2"),
        ):
            seed = seed_for(ways, FACTS)
            assert seed is not None
            self.assertEqual(label, seed.label)

    def test_secret(self) -> None:
        """What it holds is in no repr, and so in no log."""
        facts = evolve(FACTS, user_data=b"hush-hush")
        self.assertNotIn("hush", repr(seed_for(("nocloud",), facts)))

    def test_nocloud(self) -> None:
        """Who the machine is, its key, its network card, and where features are and outputs go."""
        files = self.files("nocloud")
        self.assertEqual(b"#!/bin/sh\n", files["user-data"])
        self.assertEqual(b"", files["vendor-data"])
        told = json.loads(files["meta-data"])
        self.assertEqual(FACTS.record.uuid, told["instance-id"])
        self.assertEqual(FACTS.record.name, told["local-hostname"])
        self.assertEqual([KEY.strip()], told["public-keys"])
        self.assertEqual(PLACES, {name: told[name] for name in PLACES})
        self.assertEqual(
            {"version": 2, "ethernets": {"eth0": {"match": {"macaddress": MAC}, "dhcp4": True}}},
            json.loads(files["network-config"]),
        )

    def test_nocloud_bare(self) -> None:
        """Without user_data there is an empty one, without a card's address no network at all."""
        files = self.files("nocloud", bare=True)
        self.assertEqual(b"", files["user-data"])
        self.assertNotIn("network-config", files)
        self.assertNotIn("public-keys", json.loads(files["meta-data"]))

    def test_configdrive(self) -> None:
        """What OpenStack's readers look for, and those of EC2."""
        files = self.files("configdrive")
        self.assertEqual(b"#!/bin/sh\n", files["openstack/latest/user_data"])
        self.assertEqual(b"#!/bin/sh\n", files["ec2/latest/user-data"])
        told = json.loads(files["openstack/latest/meta_data.json"])
        self.assertEqual(FACTS.record.uuid, told["uuid"])
        self.assertEqual({**PLACES, "machinetype": "example-mcore"}, told["meta"])
        ec2 = json.loads(files["ec2/latest/meta-data.json"])
        self.assertEqual(FACTS.record.uuid, ec2["instance-id"])
        self.assertEqual({"0": {"openssh-key": KEY}}, ec2["public-keys"])
        network = json.loads(files["openstack/latest/network_data.json"])
        self.assertEqual(MAC, network["links"][0]["ethernet_mac_address"])
        self.assertEqual(b"{}", files["openstack/latest/vendor_data.json"])

    def test_configdrive_bare(self) -> None:
        """What a machine has not is no file."""
        self.assertEqual(
            {
                "ec2/latest/meta-data.json",
                "openstack/latest/meta_data.json",
                "openstack/latest/vendor_data.json",
            },
            set(self.files("configdrive", bare=True)),
        )
