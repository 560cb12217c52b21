"""Tests for X.509 proxies of machines, as the daemon makes them with real certificates."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from cryptography import x509
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, machinetype, space
from tests.daemon.ground import IMAGE, Ground
from tests.images.signed import DAY, Authority, Identity
from tests.inplace import in_place
from vcycle.core.machine import Record
from vcycle.credentials.issuer import end_of
from vcycle.credentials.proxies import Proxies

TEMPLATE = b"cat >proxy <<EOF\n##user_data_option_x509_proxy##EOF\n"
CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----\n.*?-----END CERTIFICATE-----\n", re.DOTALL)


class CredentialsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.ground = Ground()
        self.ground.machinetypes = str(Path(self.mktemp()).absolute())
        self.ground.credentials = Proxies(in_thread=in_place, clock=self.ground.now)
        self.ground.images.files["/t"] = TEMPLATE
        self.authority = Authority.made(begin=NOW - DAY, end=NOW + 30 * DAY)

    def lay(self, name: str, **changes: Any) -> Identity:
        """A certificate and its key in the directory of a machinetype."""
        directory = Path(self.ground.machinetypes) / name
        directory.mkdir(parents=True, exist_ok=True)
        times = {"begin": NOW - DAY, "end": NOW + 30 * DAY, **changes}
        owner = self.authority.issue("/DC=ch/CN=vcycle", **times)
        (directory / "x509cert.pem").write_bytes(owner.pem)
        key = directory / "x509key.pem"
        key.write_bytes(owner.key_pem)
        key.chmod(0o600)
        return owner

    def run_cycle(self, **changes: Any) -> str:
        """What the cycle says of a machinetype that wants proxies."""
        wanted = {"user_data": "/t", "user_data_proxy": True, "root_image": IMAGE, **changes}
        runner = self.ground.runner(space(machinetype(**wanted), total_processors=1))
        self.successResultOf(runner.run(False))
        [verdict] = self.ground.published[-1].verdicts
        return verdict.text

    def machine(self) -> tuple[Record, bytes]:
        """The one machine that was made, and its user_data."""
        [record] = self.ground.disk.records.values()
        body = self.successResultOf(self.ground.store.read(record, "user_data"))
        assert body is not None
        return record, body

    def test_made(self) -> None:
        """A machine's user_data holds a proxy of its own that ends when the machine must."""
        owner = self.lay("pilot")
        self.run_cycle(user_data_options={"x509_proxy": "of the administrator"})
        record, body = self.machine()
        self.assertTrue(body.startswith(b"cat >proxy <<EOF\n-----BEGIN CERTIFICATE-----\n"))
        self.assertTrue(body.endswith(b"-----END CERTIFICATE-----\nEOF\n"))
        self.assertIn(b"-----BEGIN PRIVATE KEY-----\n", body)
        first, last = map(x509.load_pem_x509_certificate, CERTIFICATE.findall(body))
        self.assertEqual(int(record.shutdown_time), end_of(first))
        self.assertEqual(owner.certificate, last)

    def test_pipe(self) -> None:
        """Machinetypes of a pipe share the certificate in the directory of the pipe."""
        self.lay("atlas")
        self.run_cycle(name="atlas-prod", pipe="atlas")
        self.assertIn(b"-----BEGIN PRIVATE KEY-----\n", self.machine()[1])

    def test_not_asked_for(self) -> None:
        """No proxy is made for a template that has no place for it, or a machinetype without."""
        self.ground.images.files["/t"] = b"nothing"
        self.lay("pilot")
        self.run_cycle()
        self.assertEqual(b"nothing", self.machine()[1])

    def test_without(self) -> None:
        """Without user_data_proxy there is none, and no file is needed for one."""
        self.run_cycle(user_data_proxy=False)
        self.assertEqual(b"cat >proxy <<EOF\nEOF\n", self.machine()[1])

    def test_absent(self) -> None:
        """Without a certificate nothing is planned, so that nothing aborts; why is told."""
        text = self.run_cycle()
        self.assertIn(f"{self.ground.machinetypes}/pilot/x509cert.pem: No such file", text)
        self.assertEqual({}, self.ground.disk.records)
        self.lay("pilot")
        self.run_cycle()
        self.machine()

    def test_expiring(self) -> None:
        """A certificate that would not outlive the machine starts none: no machine lives less."""
        self.lay("pilot", end=NOW + DAY)
        text = self.run_cycle()
        self.assertIn("the certificate expires at", text)
        self.assertEqual({}, self.ground.disk.records)
        self.run_cycle(max_wallclock_seconds=3600, min_wallclock_seconds=3600)
        self.machine()
