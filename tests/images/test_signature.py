"""Tests for vcycle.images.signature."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.images.signed import (
    BLOCK,
    CERNVM,
    DAY,
    METADATA,
    NOW,
    Authority,
    Identity,
    padded,
    sign,
    signature_block,
)
from vcycle.images.authorities import Authorities, read_authorities
from vcycle.images.signature import NotSigned, Signed, verify_image

IMAGE = b"CD001" * 4000
EXPRESSION = r".*/CN=cvm-sign0[12]\.cern\.ch"


class SignatureTests(SynchronousTestCase):
    authority: Authority
    signer: Identity
    good: bytes

    @classmethod
    def setUpClass(cls) -> None:
        cls.authority = Authority.made()
        cls.signer = cls.authority.issue()
        cls.good = sign(IMAGE, cls.signer)

    def setUp(self) -> None:
        self.path = os.path.abspath(self.mktemp())
        self.authorities = Authorities(
            directory="/ca", anchors=(self.authority.identity.certificate,)
        )

    def verify(self, image: bytes, **changes: Any) -> Signed:
        with open(self.path, "wb") as file:
            file.write(image)
        arguments = {
            "authorities": self.authorities,
            "expression": EXPRESSION,
            "now": NOW,
            **changes,
        }
        return verify_image(self.path, **arguments)

    def refused(self, image: bytes, **changes: Any) -> str:
        error = self.assertRaises(NotSigned, self.verify, image, **changes)
        self.assertTrue(str(error).startswith(f"{self.path}"), error)
        return str(error)[len(self.path) :].lstrip(": ")

    def block(self, **changes: Any) -> bytes:
        """A good image whose signature block has other values; None takes one out."""
        values = json.loads(self.good[-BLOCK:].rstrip(b"\0"))
        values.update(changes)
        kept = {key: value for key, value in values.items() if value is not None}
        return self.good[:-BLOCK] + padded(json.dumps(kept).encode())

    def test_good(self) -> None:
        """A good signature tells the signer, until when he is one, and the image's version."""
        signed = self.verify(self.good)
        self.assertEqual(Signed(dn=CERNVM, expires_at=NOW + 30 * DAY, information=METADATA), signed)
        self.assertEqual("2024.05-1", signed.version)
        self.assertEqual(signed, self.verify(self.good, expression=None))

    def test_metadata(self) -> None:
        """What the image says of itself need not make sense; it is signed nevertheless."""
        signed = self.verify(sign(IMAGE, self.signer, metadata=b"\xff{"))
        self.assertEqual(({}, None), (signed.information, signed.version))
        whole = bytearray(self.good)
        whole[-2 * BLOCK + 5] ^= 1
        self.assertIn("was changed since", self.refused(bytes(whole)))

    def test_old_faults(self) -> None:
        """An image whose blocks have the faults of old images is as good as any."""
        whole = IMAGE + padded(b'{"ucernvm-version": "1.18", "snapshot": "HEAD",}')
        block = signature_block(whole, self.signer).rstrip(b"\0").decode()
        block = block.replace('verify", "https', 'verify" "https')
        self.assertNotIn('verify", "https', block)
        self.assertEqual("1.18", self.verify(whole + padded(block.encode())).version)

    def test_every_byte(self) -> None:
        """No bit of what is signed can be another."""
        size = len(self.good) - BLOCK
        for number, at in enumerate(range(0, size, 997)):
            whole = bytearray(self.good)
            whole[at] ^= 1 << number % 8
            self.assertIn("was changed since", self.refused(bytes(whole)))

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_any_bit(self, data: st.DataObject) -> None:
        """One other bit anywhere: refused, or it was of neither image, key nor signature."""
        at = data.draw(st.integers(0, len(self.good) * 8 - 1))
        whole = bytearray(self.good)
        whole[at // 8] ^= 1 << at % 8
        try:
            signed = self.verify(bytes(whole))
        except NotSigned:
            return
        self.assertGreaterEqual(at // 8, len(self.good) - BLOCK)
        self.assertEqual(CERNVM, signed.dn)
        mine, theirs = (
            {key: block.get(key) for key in ("certificate", "signature")}
            for block in (
                json.loads(bytes(each[-BLOCK:]).rstrip(b"\0")) for each in (self.good, whole)
            )
        )
        # Of base64's last digit, and of PEM's ends of lines, a bit may mean nothing.
        self.assertEqual(base64.b64decode(mine["signature"]), base64.b64decode(theirs["signature"]))

    @settings(max_examples=60, deadline=None)
    @given(st.binary(max_size=300), st.integers(0, 3))
    def test_anything(self, block: bytes, kind: int) -> None:
        """Any bytes instead of the block, or of the image, are refused."""
        images = (block, self.good[:-BLOCK] + padded(block), self.good + block + b"x", bytes(80000))
        self.refused(images[kind])

    def test_short(self) -> None:
        """What is not longer than the blocks is no such image."""
        self.assertIn("0 bytes are too few", self.refused(b""))
        self.assertIn("65536 bytes are too few", self.refused(bytes(2 * BLOCK)))
        self.assertIn("no CernVM signature that can be understood", self.refused(bytes(70000)))

    def test_block(self) -> None:
        """The block needs a certificate and a signature, and each of them once, in base64."""
        two = base64.b64encode(self.signer.pem + self.authority.identity.pem).decode()
        bad = base64.b64encode(self.signer.pem.replace(b"MII", b"MIJ", 1)).decode()
        for changes, expected in (
            ({"certificate": None}, "it has no certificate"),
            ({"signature": None}, "it has no signature"),
            ({"signature": 7}, "it has no signature"),
            ({"signature": ""}, "its signature has 0 bytes"),
            ({"signature": "A" * 8000}, "its signature has 6000 bytes"),
            ({"signature": "?"}, "its signature is not base64"),
            ({"signature": "\u00e9"}, "its signature is not base64"),
            ({"certificate": "AAAA"}, "no certificate that can be understood"),
            ({"certificate": two}, "it has 2 certificates"),
            ({"certificate": bad}, "no certificate that can be understood"),
            ({"signature": "AAAA"}, "the signature is not of /DC=ch"),
        ):
            self.assertIn(expected, self.refused(self.block(**changes)))

    def test_other_key(self) -> None:
        """A signature by another key than the certificate's is none."""
        other = self.authority.issue("/CN=Mallory")
        whole = sign(IMAGE, Identity(self.signer.certificate, other.key))
        self.assertIn("the signature is not of /DC=ch", self.refused(whole))

    def test_signer(self) -> None:
        """Another signer is refused by name, though his certificate is good."""
        whole = sign(IMAGE, self.authority.issue("/DC=ch/CN=Mallory"))
        self.assertIn("the signer's DN is /DC=ch/CN=Mallory, which", self.refused(whole))
        self.assertEqual("/DC=ch/CN=Mallory", self.verify(whole, expression=None).dn)

    def test_unanchored(self) -> None:
        """An expression that matches a part of the DN fails closed, and says how to write it."""
        problem = self.refused(self.good, expression=r"/CN=cvm-sign02\.cern\.ch$")
        self.assertIn(r"write .* before, as in .*/CN=cvm-sign0[12]\.cern\.ch", problem)

    def test_trust(self) -> None:
        """A certificate that is not to be trusted now makes the signature worth nothing."""
        self.assertIn("it was valid until", self.refused(self.good, now=NOW + 31 * DAY))
        nobody = Authorities(directory="/ca")
        self.assertIn("/ca has no certificate", self.refused(self.good, authorities=nobody))

    def test_weak(self) -> None:
        """A short key signs nothing."""
        whole = sign(IMAGE, self.authority.issue(bits=1024))
        self.assertIn("an RSA key of 1024 bits", self.refused(whole))

    def test_files(self) -> None:
        """A path that is no file, or none that can be read, is refused as such."""
        pipe = os.path.abspath(self.mktemp())
        os.mkfifo(pipe)
        for path, expected in (
            (os.path.abspath(self.mktemp()), "No such file"),
            (os.path.dirname(pipe), "Is a directory"),
            (pipe, "not a regular file"),
        ):
            error = self.assertRaises(
                NotSigned,
                verify_image,
                path,
                authorities=self.authorities,
                expression=None,
                now=NOW,
            )
            self.assertIn(expected, str(error))

    def test_directory(self) -> None:
        """With a directory of authorities and their CRLs it is the same."""
        intermediate = Authority.made("/DC=ch/CN=Grid CA", above=self.authority)
        signer = intermediate.issue()
        directory = intermediate.plant(self.mktemp(), crl=intermediate.crl())
        image = sign(IMAGE, signer)
        authorities = read_authorities(directory)
        self.assertEqual(CERNVM, self.verify(image, authorities=authorities).dn)
        intermediate.plant(directory, crl=intermediate.crl(signer))
        problem = self.refused(image, authorities=read_authorities(directory))
        self.assertIn("it was revoked by /DC=ch/CN=Grid CA", problem)
