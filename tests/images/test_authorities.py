"""Tests for vcycle.images.authorities."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from twisted.trial.unittest import SynchronousTestCase

from tests.images.signed import NOW, Authority
from vcycle.core.errors import CredentialError
from vcycle.images.authorities import MAX_FILES, read_authorities
from vcycle.images.chain import trust_problem


class AuthoritiesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.root = Authority.made("/DC=ch/CN=Root CA")
        self.grid = Authority.made("/DC=ch/CN=Grid CA", above=self.root)

    def write(self, name: str, content: bytes) -> None:
        (self.directory / name).write_bytes(content)

    def test_grid(self) -> None:
        """A directory as grids have it: links by hash to one file each, and much besides."""
        self.write("Root.pem", b"Subject: some text before it\n" + self.root.identity.pem)
        self.write("Grid.pem", self.grid.identity.pem)
        self.write("Grid.crl", self.grid.crl())
        for name in ("signing_policy", "namespaces", "info", "crl_url"):
            self.write(f"Root.{name}", b"text")
        for link, target in (
            *(("0123abcd.0", "Root.pem"), ("fedc0123.0", "Root.pem"), ("89abcdef.1", "Grid.pem")),
            *(("89abcdef.r0", "Grid.crl"), ("aaaaaaaa.0", "Grid.pem")),
        ):
            os.symlink(target, self.directory / link)
        found = read_authorities(str(self.directory))
        self.assertEqual((self.root.identity.certificate,), found.anchors)
        self.assertEqual((self.grid.identity.certificate,), found.intermediates)
        self.assertEqual(1, len(found.revocations))
        self.assertEqual(((), ()), (found.problems, found.doubtful))
        self.assertIsNone(trust_problem(self.grid.issue().certificate, found, NOW))

    def test_forms(self) -> None:
        """A file may hold several certificates, or one in DER."""
        self.write("bundle.crt", self.root.identity.pem + self.grid.identity.pem)
        der = self.grid.identity.certificate.public_bytes(serialization.Encoding.DER)
        self.write("grid.cer", der)
        found = read_authorities(str(self.directory))
        self.assertEqual((1, 1), (len(found.anchors), len(found.intermediates)))

    def test_unread(self) -> None:
        """What cannot be read is told; the authority beside a bad CRL is doubtful, no other is."""
        self.write("Root.pem", self.root.identity.pem)
        self.write("Grid.pem", self.grid.identity.pem)
        os.symlink("Grid.pem", self.directory / "89abcdef.0")
        self.write("89abcdef.r0", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")
        self.write("empty.pem", b"")
        self.write("text.pem", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
        os.symlink("gone.pem", self.directory / "bbbbbbbb.0")
        os.mkfifo(self.directory / "pipe.pem")
        found = read_authorities(str(self.directory))
        self.assertEqual((self.grid.identity.certificate,), found.doubtful)
        bad = ("89abcdef.r0", "bbbbbbbb.0", "empty.pem", "pipe.pem", "text.pem")
        self.assertEqual(
            [f"{self.directory}/{name}" for name in bad],
            [problem.partition(": ")[0] for problem in found.problems],
        )
        self.assertIsNone(trust_problem(self.root.issue().certificate, found, NOW))
        self.assertTrue(trust_problem(self.grid.issue().certificate, found, NOW))

    def test_none(self) -> None:
        """A directory that is not there is told with the cure."""
        path = f"{self.directory}/none"
        error = self.assertRaises(CredentialError, read_authorities, path)
        self.assertIn(f"{path} cannot be read: No such file", str(error))
        self.assertIn("set ca_directory", str(error))

    def test_many(self) -> None:
        """A directory with more in it than any grid has is refused."""
        for number in range(MAX_FILES + 1):
            os.symlink("x", self.directory / f"{number}.pem")
        error = self.assertRaises(CredentialError, read_authorities, str(self.directory))
        self.assertIn("has over 5000 certificates", str(error))
