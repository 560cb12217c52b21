"""Tests for vcycle.daemon.materials."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, machinetype
from tests.inplace import in_place
from vcycle.core.errors import ImageMissing
from vcycle.core.machine import Model
from vcycle.daemon.materials import Materials, gather
from vcycle.interfaces import Image, Wanted
from vcycle.testing.images import MemoryImages

DIRECTORY = "/var/lib/vcycle/machinetypes/pilot"
FILES = {
    "/images/root.qcow2": b"image",
    f"{DIRECTORY}/files/user_data": b"#!/bin/sh\n",
    f"{DIRECTORY}/files/proxy.pem": b"PEM",
    f"{DIRECTORY}/hostkey.pem": b"own key",
    f"{DIRECTORY}/files/key.pub": b"ssh-ed25519 AAAA root@example.com\n",
    f"{DIRECTORY}/files/binary.pub": b"\xff\xfe",
    f"{DIRECTORY}/files/vmlinuz": b"kernel",
    f"{DIRECTORY}/files/initrd.gz": b"initrd",
}


class MaterialsTests(SynchronousTestCase):
    def gathered(self, **changes: Any) -> Materials:
        wanted = machinetype(**{"root_public_key": "key.pub", **changes})
        found: Materials = self.successResultOf(
            gather(wanted, MemoryImages(FILES), DIRECTORY, in_place)
        )
        return found

    def missing(self, **changes: Any) -> str:
        wanted = machinetype(**{"root_public_key": "key.pub", **changes})
        answer = gather(wanted, MemoryImages(FILES), DIRECTORY, in_place)
        return str(self.failureResultOf(answer, ImageMissing).value)

    def test_image(self) -> None:
        """An image is a path on the hypervisor's host; what is not configured is not there."""
        found = self.gathered()
        self.assertEqual("/images/root.qcow2", found.image)
        self.assertEqual((None, None), (found.kernel, found.initrd))
        self.assertEqual((None, {}), (found.template, found.files))

    def test_direct(self) -> None:
        """Direct boot has a kernel and an initrd, and needs no image."""
        found = self.gathered(
            machine_model=Model.VM_DIRECT, root_image=None, kernel="vmlinuz", initrd="initrd.gz"
        )
        self.assertEqual(f"{DIRECTORY}/files/vmlinuz", found.kernel)
        self.assertEqual(f"{DIRECTORY}/files/initrd.gz", found.initrd)
        self.assertIsNone(found.image)

    def test_contents(self) -> None:
        """user_data, its files and the key are contents."""
        found = self.gathered(user_data="user_data", user_data_files={"proxy": "proxy.pem"})
        self.assertEqual(b"#!/bin/sh\n", found.template)
        self.assertEqual({"proxy": b"PEM"}, found.files)
        self.assertEqual("ssh-ed25519 AAAA root@example.com\n", found.public_key)

    def test_own_files(self) -> None:
        """
        What the machinetype's directory itself holds is for options of user_data's files alone,
        and never for machinetypes of a vacuum pipe, whose document is somebody else's.
        """
        named = {"hostkey": "hostkey.pem"}
        self.assertEqual({"hostkey": b"own key"}, self.gathered(user_data_files=named).files)
        for changes in (
            {"user_data_files": named, "pipe": "pilot"},
            {"user_data": "hostkey.pem"},
            {"root_image": "hostkey.pem"},
            {"root_public_key": "hostkey.pem"},
        ):
            self.assertIn("hostkey.pem", self.missing(**changes))

    def test_missing(self) -> None:
        """Anything that is not there is told by its name."""
        for changes in (
            {"root_image": "/images/other.img"},
            {"user_data": "other"},
            {"user_data_files": {"proxy": "other"}},
            {"root_public_key": "other"},
        ):
            self.assertIn("other", self.missing(**changes))

    def test_no_key(self) -> None:
        """A key that is no text is refused, with the option's name."""
        self.assertEqual(
            "root_public_key binary.pub: not an ssh public key",
            self.missing(root_public_key="binary.pub"),
        )

    def test_wanted(self) -> None:
        """What the root image must be is asked for with it; a kernel is as it is."""
        asked: list[Wanted] = []

        class Asked(MemoryImages):
            async def image(self, wanted: Wanted) -> Image:
                asked.append(wanted)
                return await super().image(wanted)

        wanted = machinetype(
            kernel="vmlinuz",
            root_image_sha256="a" * 64,
            image_signing_dn="/CN=x",
            root_public_key="key.pub",
        )
        self.successResultOf(gather(wanted, Asked(FILES), DIRECTORY, in_place))
        self.assertEqual(
            [("a" * 64, "/CN=x"), (None, None)],
            [(each.sha256, each.signing_dn) for each in asked],
        )

    def test_stale(self) -> None:
        """Images whose servers could not be asked are told of, with their age."""

        class Stale(MemoryImages):
            async def image(self, wanted: Wanted) -> Image:
                found = await super().image(wanted)
                url = "https://example.com/x"
                return evolve(found, url=url, confirmed_at=NOW - 3600, problem="it answers 500")

        wanted = machinetype(root_public_key="key.pub")
        found = self.successResultOf(gather(wanted, Stale(FILES), DIRECTORY, in_place))
        self.assertEqual(
            "the copy of https://example.com/x confirmed 1h 00m ago is used: it answers 500",
            found.remark(NOW),
        )
        self.assertIsNone(self.gathered().remark(NOW))
