"""Tests for vcycle.commands.proxy_init."""

from __future__ import annotations

import contextlib
import io
import time
from pathlib import Path

from cryptography import x509
from twisted.trial.unittest import SynchronousTestCase

from tests.images.signed import DAY, Authority
from vcycle.commands.main import main
from vcycle.credentials.issuer import end_of
from vcycle.images.names import oneline


class ProxyInitTests(SynchronousTestCase):
    def setUp(self) -> None:
        now = time.time()
        owner = Authority.made(begin=now - DAY, end=now + 30 * DAY).issue(
            "/DC=ch/CN=vcycle", begin=now - DAY, end=now + 20 * DAY
        )
        self.cert, self.key = self.mktemp(), self.mktemp()
        Path(self.cert).write_bytes(owner.pem)
        Path(self.key).write_bytes(owner.key_pem)
        Path(self.key).chmod(0o600)

    def run_it(self, *argv: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = main(["proxy-init", *argv])
            except SystemExit as error:
                status = int(str(error.code))
        return status, out.getvalue(), err.getvalue()

    def made(self, *argv: str) -> tuple[str, float]:
        """The name of the proxy that is printed, and how long it lives."""
        began = time.time()
        status, out, err = self.run_it("-c", self.cert, "-k", self.key, *argv)
        self.assertEqual((0, ""), (status, err))
        certificate = x509.load_pem_x509_certificate(out.encode())
        self.assertTrue(out.endswith(Path(self.cert).read_text()))
        return oneline(certificate.subject), end_of(certificate) - began

    def test_made(self) -> None:
        """A proxy for twelve hours, or as long as is asked for, on the standard output."""
        dn, life = self.made()
        self.assertRegex(dn, r"^/DC=ch/CN=vcycle/CN=\d+$")
        self.assertApproximates(43200, life, 60)
        self.assertApproximates(3 * 86400, self.made("--hours", "72")[1], 60)
        self.assertApproximates(5400, self.made("--hours", "1.5")[1], 60)
        self.assertApproximates(600, self.made("--seconds", "600")[1], 60)

    def test_legacy(self) -> None:
        """-l makes one of the older form."""
        for option in ("-l", "--legacy-proxy"):
            self.assertEqual("/DC=ch/CN=vcycle/CN=limited proxy", self.made(option)[0])

    def test_not(self) -> None:
        """Why there is none is told on the error output, with status 1."""
        argv = ("-c", self.cert, "-k", self.key)
        status, out, err = self.run_it(*argv, "--hours", "500")
        self.assertEqual((1, ""), (status, out))
        self.assertTrue(err.startswith(f"No proxy was made: {self.cert}: the certificate expires"))
        status, out, err = self.run_it("-c", self.cert, "-k", self.cert)
        self.assertEqual((1, ""), (status, out))
        self.assertTrue(err.startswith(f"No proxy was made: {self.cert} has "), err)

    def test_wrong(self) -> None:
        """A wrong command line is status 2."""
        argv = ("-c", self.cert, "-k", self.key)
        for more in (
            *(("--hours", "0"), ("--hours", "nan"), ("--hours", "inf"), ("--hours", "x")),
            *(("--seconds", "0"), ("--seconds", "1.5"), ("--seconds", "99999999")),
            ("--hours", "1", "--seconds", "1"),
        ):
            self.assertEqual(2, self.run_it(*argv, *more)[0], more)
        self.assertEqual(2, self.run_it("-c", self.cert)[0])
