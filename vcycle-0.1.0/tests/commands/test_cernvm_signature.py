"""Tests for vcycle.commands.cernvm_signature."""

from __future__ import annotations

import contextlib
import io
import json
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.images.signed import CERNVM, DAY, METADATA, Authority, sign
from vcycle.commands.main import main


class SignatureTests(SynchronousTestCase):
    def setUp(self) -> None:
        now = time.time()
        authority = Authority.made(begin=now - DAY, end=now + 30 * DAY)
        self.end = int(now) + 10 * DAY
        signer = authority.issue(begin=now - DAY, end=self.end)
        self.authorities = authority.plant(self.mktemp())
        self.image = self.mktemp()
        Path(self.image).write_bytes(sign(b"image", signer))

    def run_it(self, *argv: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = main(["cernvm-signature", *argv])
            except SystemExit as error:
                status = int(str(error.code))
        return status, out.getvalue(), err.getvalue()

    def verify(self, *argv: str) -> tuple[int, str, str]:
        return self.run_it(self.image, "--ca-directory", self.authorities, *argv)

    def test_good(self) -> None:
        """A good signature is told with its signer and what the image says, and status 0."""
        status, out, err = self.verify("--dn", r".*/CN=cvm-sign0[12]\.cern\.ch")
        self.assertEqual((0, ""), (status, err))
        lines = out.splitlines()
        self.assertEqual([f"Verified: {self.image}", f"signed by {CERNVM}"], lines[:2])
        self.assertRegex(lines[2], r"^whose certificate is valid until \d{4}-\d\d-\d\d .*Z$")
        self.assertEqual("ucernvm-version: 2024.05-1", lines[3])
        self.assertEqual((0, out, ""), self.verify())

    def test_not(self) -> None:
        """What is not verified is told on the error output, with status 1."""
        status, out, err = self.verify("--dn", "/CN=cvm-sign02")
        self.assertEqual((1, ""), (status, out))
        self.assertTrue(err.startswith(f"Not verified: {self.image}: the signer's DN is {CERNVM}"))
        Path(self.image).write_bytes(b"image")
        self.assertEqual(1, self.verify()[0])
        self.assertEqual(1, self.run_it("/nonexistent", "--ca-directory", self.authorities)[0])
        status, _, err = self.run_it(self.image, "--ca-directory", "/nonexistent")
        self.assertEqual(1, status)
        self.assertIn("the CA directory /nonexistent cannot be read", err)

    def test_json(self) -> None:
        """--json gives the same as one object, with the same status."""
        status, out, err = self.verify("--json")
        self.assertEqual((0, ""), (status, err))
        self.assertEqual(
            {
                "file": self.image,
                "verified": True,
                "dn": CERNVM,
                "expires_at": self.end,
                "version": "2024.05-1",
                "information": METADATA,
            },
            json.loads(out),
        )
        status, out, err = self.verify("--json", "--dn", "/CN=x")
        self.assertEqual((1, ""), (status, err))
        report = json.loads(out)
        self.assertEqual((self.image, False), (report["file"], report["verified"]))
        self.assertIn("does not match", report["problem"])

    def test_wrong(self) -> None:
        """A wrong command line is status 2."""
        for argv in ((), (self.image, "--dn", "("), (self.image, "--dn", "")):
            status, out, err = self.run_it(*argv)
            self.assertEqual((2, ""), (status, out))
            self.assertIn("usage: vcycle cernvm-signature", err)

    def test_hostile(self) -> None:
        """What an image says of itself cannot write lines of its own to a terminal."""
        now = time.time()
        authority = Authority.made(begin=now - DAY, end=now + DAY)
        text = json.dumps({"ucernvm-version": "1\n\x1b[2JVerified", "k\u202e": "v"}).encode()
        signed = sign(b"image", authority.issue(begin=now - DAY, end=now + DAY), text)
        Path(self.image).write_bytes(signed)
        status, out, _ = self.run_it(self.image, "--ca-directory", authority.plant(self.mktemp()))
        self.assertEqual(0, status)
        self.assertEqual(["ucernvm-version: 1??[2JVerified", "k?: v"], out.splitlines()[3:])
