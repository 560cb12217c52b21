"""Tests for vcycle.core.metadata."""

from __future__ import annotations

import json
from pathlib import Path

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.guests.sample import RECORD
from vcycle.core.metadata import (
    EC2_VERSIONS,
    OPENSTACK_VERSIONS,
    Facts,
    Places,
    document,
    wants_user_data,
)

SAMPLES = Path(__file__).parent / "vectors" / "metadata"
UUID = RECORD.uuid
KEY = "ssh-rsa AAAAB3NzaEXAMPLE root@factory1.example.com\n"
FACTS = Facts(
    record=RECORD,
    places=Places.below("http://169.254.169.253"),
    public_key=KEY,
    user_data=b"#!/bin/sh\n",
)
BARE = Facts(record=evolve(RECORD, address=None, mac=None), places=FACTS.places)


def get(path: str, facts: Facts = FACTS) -> bytes | None:
    """The document at an absolute path."""
    return document(path.split("/")[1:], facts)


def text(path: str, facts: Facts = FACTS) -> str:
    """The document at a path that must have one."""
    body = get(path, facts)
    assert body is not None, path
    return body.decode()


def crawl(base: str, facts: Facts) -> dict[str, str]:
    """All leaves below a listing, as EC2's clients walk them: a slash is a directory."""
    found: dict[str, str] = {}
    for line in text(base, facts).splitlines():
        if line.endswith("/"):
            found.update(crawl(base + line, facts))
        elif base.endswith("public-keys/"):
            number = line.partition("=")[0]
            found[f"{base}{number}/openssh-key"] = text(f"{base}{number}/openssh-key", facts)
        else:
            found[base + line] = text(base + line, facts)
    return found


class DocumentTests(SynchronousTestCase):
    def test_sample_json(self) -> None:
        """The JSON document is the sample's, under either spelling and either prefix."""
        expected = json.loads((SAMPLES / "meta-data.json").read_text(encoding="utf-8"))
        for prefix in ("/latest", "/2009-04-04", "/openstack/latest", "/openstack/2012-08-10"):
            for name in ("meta-data.json", "meta_data.json"):
                self.assertEqual(expected, json.loads(text(f"{prefix}/{name}")))

    def test_sample_listing(self) -> None:
        """Clients that look for the lines of the sample's listing find them."""
        expected = (SAMPLES / "meta-data-listing.txt").read_text(encoding="utf-8").splitlines()
        for prefix in ("/latest", "/2009-04-04", "/openstack/latest"):
            for end in ("", "/"):
                listing = text(f"{prefix}/meta-data{end}").splitlines()
                self.assertEqual(set(), set(expected) - set(listing))

    def test_user_data(self) -> None:
        """user_data is at both spellings, and no machine without it gets an empty one."""
        for path in (
            "/latest/user-data",
            "/2009-04-04/user_data",
            "/1.0/user-data",
            "/openstack/latest/user_data",
            "/openstack/2013-10-17/user-data",
            "/user-data",
        ):
            self.assertEqual(b"#!/bin/sh\n", get(path))
            self.assertIsNone(get(path, BARE))
            self.assertTrue(wants_user_data(path.split("/")[1:]))
        for path in ("/latest/user-data/x", "/openstack/user_data", "/x/user-data", "/latest"):
            self.assertFalse(wants_user_data(path.split("/")[1:]))

    def test_leaves(self) -> None:
        """Each small file of EC2's tree holds its value and no newline of ours."""
        for name, value in {
            "ami-id": UUID,
            "instance-id": UUID,
            "hostname": RECORD.name,
            "local-hostname": RECORD.name,
            "local-ipv4": "169.254.169.1",
            "instance-type": "example-mcore",
            "placement/availability-zone": "factory1.example.com",
            "public-keys/0/openssh-key": KEY,
        }.items():
            self.assertEqual(value, text(f"/2009-04-04/meta-data/{name}"))

    def test_crawled(self) -> None:
        """Everything that the listings promise is there, with a key and without."""
        for facts in (FACTS, BARE):
            for prefix in ("/1.0", "/2009-04-04", "/latest", "/openstack/latest"):
                found = crawl(f"{prefix}/meta-data/", facts)
                self.assertIn(f"{prefix}/meta-data/instance-id", found)
                key = found.get(f"{prefix}/meta-data/public-keys/0/openssh-key")
                self.assertEqual(facts.public_key, key)

    def test_versions(self) -> None:
        """Every version that the root listings name has documents."""
        self.assertEqual([*EC2_VERSIONS, "openstack/"], text("/").splitlines())
        self.assertEqual(list(OPENSTACK_VERSIONS), text("/openstack/").splitlines())
        for version in EC2_VERSIONS:
            self.assertEqual(["meta-data/", "user-data"], text(f"/{version}/").splitlines())
        for version in OPENSTACK_VERSIONS:
            for name in text(f"/openstack/{version}").splitlines():
                self.assertIsNotNone(get(f"/openstack/{version}/{name}"))

    def test_network(self) -> None:
        """The network document names the interface by its MAC, and is missing without one."""
        network = json.loads(text("/openstack/latest/network_data.json"))
        (link,) = network["links"]
        self.assertEqual("56:4d:a9:fe:a9:01", link["ethernet_mac_address"])
        self.assertEqual(link["id"], network["networks"][0]["link"])
        self.assertIsNone(get("/openstack/latest/network_data.json", BARE))

    def test_seed(self) -> None:
        """The root serves cloud-init's NoCloud source."""
        seed = json.loads(text("/meta-data"))
        self.assertEqual((UUID, [KEY.strip()]), (seed["instance-id"], seed["public-keys"]))
        self.assertEqual("http://169.254.169.253/joboutputs", seed["joboutputs"])
        self.assertEqual("", text("/vendor-data"))
        network = json.loads(text("/network-config"))
        self.assertEqual({"eth0"}, set(network["ethernets"]))
        self.assertIsNone(get("/network-config", BARE))

    def test_nothing_else(self) -> None:
        """Other paths have no document."""
        for path in (
            "/late",
            "/latest/meta-data/instance-id/x",
            "/latest/meta-data/nothing",
            "/2009-4-4/meta-data",
            "/openstack/meta_data.json",
            "/openstack/latest/meta_data.json/x",
            "/openstack/latest/vendor-data",
            "/latest/vendor_data.json",
            "/meta-data/instance-id",
            "/\N{ARABIC-INDIC DIGIT TWO}009-04-04/meta-data",
        ):
            self.assertIsNone(get(path), path)

    @given(st.lists(st.text(max_size=12) | st.sampled_from(["latest", "openstack", "meta-data"])))
    def test_any_path(self, path: list[str]) -> None:
        """No path, however odd, does anything but have a document or none."""
        self.assertIsInstance(document(path, FACTS), (bytes, type(None)))
