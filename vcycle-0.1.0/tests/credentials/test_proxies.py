"""Tests for vcycle.credentials.proxies and vcycle.credentials.files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable, TypeVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from twisted.internet.defer import ensureDeferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.images.signed import DAY, NOW, Authority
from tests.inplace import in_place
from vcycle.core.errors import CallTimedOut, CredentialError
from vcycle.credentials.proxies import Proxies
from vcycle.interfaces import ICredentials

R = TypeVar("R")
PKCS8, PEM = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM


async def never(work: Callable[[], R], deadline: float | None = None) -> R:
    """Threads that hang."""
    raise CallTimedOut("no answer within 60 s")


class ProxiesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.cert, self.key = (self.directory / f"x509{name}.pem" for name in ("cert", "key"))
        self.owner = Authority.made().issue("/DC=ch/CN=vcycle")
        self.write(self.cert, self.owner.pem, 0o644)
        self.write(self.key, self.owner.key_pem)
        self.proxies = Proxies(in_thread=in_place, clock=lambda: NOW)

    def write(self, path: Path, content: bytes, mode: int = 0o600) -> None:
        path.write_bytes(content)
        path.chmod(mode)

    def proxy(self, until: float = NOW + DAY, legacy: bool = False) -> bytes:
        made = self.proxies.proxy(str(self.directory), "atlas", until, legacy)
        return self.successResultOf(ensureDeferred(made))

    def refused(self, path: Path, expected: str) -> None:
        """Both ways to ask say the same."""
        place = str(self.directory)
        both = (
            ensureDeferred(self.proxies.proxy(place, "atlas", NOW + DAY, False)),
            ensureDeferred(self.proxies.ready(place, NOW + DAY, False)),
        )
        texts = [str(self.failureResultOf(asked, CredentialError).value) for asked in both]
        self.assertEqual(texts[0], texts[1])
        self.assertTrue(texts[0].startswith(str(path)), texts[0])
        self.assertIn(expected, texts[0])
        self.assertNotIn("BEGIN", texts[0])

    def test_interface(self) -> None:
        """It is what the daemon asks for."""
        verifyObject(ICredentials, self.proxies)

    def test_made(self) -> None:
        """Two files, or one with both in it, in any order, with text around them."""
        self.assertIn(self.owner.pem, self.proxy())
        self.assertIn(self.owner.pem, self.proxy(legacy=True))
        ready = self.proxies.ready(str(self.directory), NOW + DAY, False)
        self.assertIsNone(self.successResultOf(ensureDeferred(ready)))
        both = b"my own\n" + self.owner.key_pem + b"\n" + self.owner.pem + b"end\n"
        self.write(self.cert, both)
        self.key.unlink()
        self.key.symlink_to(self.cert)
        self.assertIn(self.owner.pem, self.proxy())

    def test_forms(self) -> None:
        """A key may be in the older form too, and readable by a group."""
        old = self.owner.key.private_bytes(
            PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        self.assertIn(b"BEGIN RSA PRIVATE KEY", old)
        self.write(self.key, old, 0o640)
        self.proxy()

    def test_renewed(self) -> None:
        """A renewed certificate counts at once."""
        other = Authority.made().issue("/DC=ch/CN=other")
        self.write(self.cert, other.pem)
        self.refused(self.key, f"is not the private key of the first certificate in {self.cert}")
        self.write(self.key, other.key_pem)
        self.assertIn(other.pem, self.proxy())

    def test_absent(self) -> None:
        """A file that is not there, or is none, is told by its path."""
        self.key.unlink()
        self.refused(self.key, "No such file or directory; put the file there")
        self.cert.unlink()
        self.refused(self.cert, "No such file or directory; put the file there")
        os.mkfifo(self.cert)
        self.refused(self.cert, "is not a regular file")
        self.cert.unlink()
        self.cert.mkdir()
        self.refused(self.cert, "Is a directory")

    def test_modes(self) -> None:
        """A private key that others can read, or a group can change, is not used."""
        for mode in (0o604, 0o644, 0o620, 0o602, 0o601):
            self.key.chmod(mode)
            self.refused(self.key, f"has the mode {mode:04o}, so that others can read")
        for mode in (0o400, 0o440, 0o600, 0o640):
            self.key.chmod(mode)
            self.proxy()

    def test_certificates(self) -> None:
        """Something else than certificates is refused."""
        for content, expected in (
            (b"", "has 0 certificates, not 1 to 20"),
            (self.owner.pem * 21, "has 21 certificates"),
            (self.owner.pem.replace(b"MII", b"MIJ", 1), "certificate 1 cannot be understood"),
            (bytes((1 << 20) + 1), "is larger than 1048576 bytes"),
        ):
            self.write(self.cert, content)
            self.refused(self.cert, expected)

    def test_keys(self) -> None:
        """Something else than a plain private key is refused, and nothing of it told."""
        encrypted = self.owner.key.private_bytes(
            PEM, PKCS8, serialization.BestAvailableEncryption(b"secret")
        )
        other = ed25519.Ed25519PrivateKey.generate()
        odd = other.private_bytes(PEM, PKCS8, serialization.NoEncryption())
        broken = self.owner.key_pem.replace(b"MII", b"MIJ", 1)
        for content, expected in (
            (self.owner.pem, "has no private key in PEM"),
            (encrypted, "the private key is encrypted"),
            (odd, "is neither RSA nor EC"),
            (broken, "cannot be understood (ValueError)"),
        ):
            self.write(self.key, content)
            self.refused(self.key, expected)

    def test_timed_out(self) -> None:
        """Threads that hang are no proxy."""
        proxies = Proxies(in_thread=never, clock=lambda: NOW)
        asked = proxies.proxy("/m/atlas", "atlas", NOW + DAY, False)
        error = self.failureResultOf(ensureDeferred(asked), CredentialError)
        self.assertIn("/m/atlas: no proxy was made in time", str(error.value))
