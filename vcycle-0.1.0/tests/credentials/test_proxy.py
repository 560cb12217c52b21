"""Tests for vcycle.credentials.proxy and vcycle.credentials.issuer."""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import crypto
from twisted.trial.unittest import SynchronousTestCase

from tests.images.signed import DAY, NOW, Authority, Identity, allowed, when
from vcycle.core.errors import CredentialError
from vcycle.credentials.issuer import Issuer, begin_of, end_of
from vcycle.credentials.proxy import make_proxy
from vcycle.images.certificates import direct_problem
from vcycle.images.names import oneline

DN = "/DC=ch/DC=cern/OU=robots/CN=vcycle"
LIMITED = bytes.fromhex("300f300d060b2b060104019b5001010109")
PROXY_CERT_INFO = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.14")
ALLOW_PROXIES = 0x40
PEM = re.compile(rb"-----BEGIN [A-Z ]+-----\n.*?-----END [A-Z ]+-----\n", re.DOTALL)


class Made:
    """A proxy as whoever gets it reads it."""

    def __init__(self, pem: bytes) -> None:
        self.blocks = PEM.findall(pem)
        assert b"".join(self.blocks) == pem
        key = serialization.load_pem_private_key(self.blocks[1], None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self.key = key
        self.certificates = tuple(
            x509.load_pem_x509_certificate(block) for block in (self.blocks[0], *self.blocks[2:])
        )
        self.certificate = self.certificates[0]
        self.dn = oneline(self.certificate.subject)

    @property
    def info(self) -> bytes | None:
        for extension in self.certificate.extensions:
            if extension.oid == PROXY_CERT_INFO:
                assert extension.critical
                assert isinstance(extension.value, x509.UnrecognizedExtension)
                return extension.value.value
        return None

    def trusted(self, authority: Authority, now: float = NOW) -> bool:
        """What OpenSSL says, where it is told to allow proxies."""
        store = crypto.X509Store()
        store.add_cert(crypto.X509.from_cryptography(authority.identity.certificate))
        store.set_time(when(now))
        store.set_flags(ALLOW_PROXIES)
        leaf, *chain = map(crypto.X509.from_cryptography, self.certificates)
        try:
            crypto.X509StoreContext(store, leaf, chain).verify_certificate()
        except crypto.X509StoreContextError:
            return False
        return True

    def issuer(self) -> Issuer:
        return Issuer(path="proxy.pem", key=self.key, certificates=self.certificates)


class ProxyTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.authority = Authority.made()
        self.owner = self.authority.issue(DN)

    def issuer(self, owner: Identity | None = None, *above: Identity) -> Issuer:
        first = self.owner if owner is None else owner
        chain = (first.certificate, *(each.certificate for each in above))
        return Issuer(path="/m/x509cert.pem", key=first.key, certificates=chain)

    def made(
        self, issuer: Issuer | None = None, until: float = NOW + DAY, legacy: bool = False
    ) -> Made:
        return Made(make_proxy(issuer or self.issuer(), now=NOW, until=until, legacy=legacy))

    def refused(
        self, issuer: Issuer, expected: str, until: float = NOW + DAY, legacy: bool = False
    ) -> None:
        error = self.assertRaises(
            CredentialError, make_proxy, issuer, now=NOW, until=until, legacy=legacy
        )
        self.assertTrue(str(error).startswith(f"{issuer.path}: "), error)
        self.assertIn(expected, str(error))

    def test_rfc(self) -> None:
        """A proxy of RFC 3820 is the owner's name and a number, limited, and OpenSSL trusts it."""
        made = self.made()
        self.assertEqual(f"{DN}/CN={made.certificate.serial_number}", made.dn)
        self.assertEqual(self.owner.certificate.subject, made.certificate.issuer)
        self.assertEqual(LIMITED, made.info)
        self.assertEqual(x509.Version.v3, made.certificate.version)
        usage = made.certificate.extensions.get_extension_for_class(x509.KeyUsage)
        self.assertTrue(usage.critical)
        self.assertEqual(
            allowed(digital_signature=True, key_encipherment=True, key_agreement=True),
            usage.value,
        )
        self.assertEqual(2, len(list(made.certificate.extensions)))
        self.assertTrue(made.trusted(self.authority))
        self.assertTrue(made.trusted(self.authority, NOW + DAY - 1))
        self.assertFalse(made.trusted(self.authority, NOW + DAY + 1))

    def test_legacy(self) -> None:
        """The older form has a name that says so, and no extension of its own."""
        made = self.made(legacy=True)
        self.assertEqual(f"{DN}/CN=limited proxy", made.dn)
        self.assertIsNone(made.info)
        self.assertIsNone(direct_problem(made.certificate, self.owner.certificate))

    def test_key(self) -> None:
        """Each proxy has a key of its own of 2048 bits, and a number that none had before."""
        one, two = self.made(), self.made()
        for made in (one, two):
            self.assertEqual((2048, 65537), (made.key.key_size, numbers(made.key).e))
            self.assertEqual(numbers(made.key), numbers_of(made.certificate))
        self.assertNotEqual(numbers(one.key), numbers(two.key))
        self.assertNotEqual(one.certificate.serial_number, two.certificate.serial_number)
        self.assertGreater(max(one.certificate.serial_number, two.certificate.serial_number), 2**50)

    def test_order(self) -> None:
        """The certificate, its key not encrypted, and the issuer's certificates in their order."""
        made = self.made(self.issuer(self.owner, self.authority.identity))
        self.assertTrue(made.blocks[1].startswith(b"-----BEGIN PRIVATE KEY-----\n"))
        self.assertEqual([self.owner.pem, self.authority.identity.pem], made.blocks[2:])

    def test_times(self) -> None:
        """It begins a few minutes back, never before its issuer, and ends when it was told to."""
        made = self.made(until=NOW + 3600.9)
        self.assertEqual(NOW - 300, begin_of(made.certificate))
        self.assertEqual(NOW + 3600, end_of(made.certificate))
        young = self.authority.issue(DN, begin=NOW - 10)
        self.assertEqual(NOW - 10, begin_of(self.made(self.issuer(young)).certificate))

    def test_of_proxy(self) -> None:
        """A proxy can be made from a proxy, of the same form."""
        first = self.made()
        second = self.made(first.issuer(), until=NOW + 3600)
        self.assertEqual(f"{first.dn}/CN={second.certificate.serial_number}", second.dn)
        self.assertEqual(3, len(second.certificates))
        self.assertTrue(second.trusted(self.authority))
        old = self.made(legacy=True)
        again = self.made(old.issuer(), until=NOW + 3600, legacy=True)
        self.assertEqual(f"{DN}/CN=limited proxy/CN=limited proxy", again.dn)
        self.refused(old.issuer(), "set legacy_proxy = true", NOW + 3600)
        self.refused(first.issuer(), "remove legacy_proxy", NOW + 3600, legacy=True)

    def test_last(self) -> None:
        """A proxy that may not issue others does not."""
        last = bytes.fromhex("3012020100300d060b2b060104019b5001010109")
        info = x509.UnrecognizedExtension(PROXY_CERT_INFO, last)
        proxy = self.authority.issue(f"{DN}/CN=1", extensions=[(info, True)])
        self.refused(self.issuer(proxy), "may not issue others")
        draft = x509.ObjectIdentifier("1.3.6.1.4.1.3536.1.222")
        info = x509.UnrecognizedExtension(draft, last)
        proxy = self.authority.issue(f"{DN}/CN=1", extensions=[(info, True)])
        self.refused(self.issuer(proxy), "from before RFC 3820")

    def test_lifetime(self) -> None:
        """No proxy outlives its issuer, or what the issuer itself depends on."""
        self.made(until=NOW + 30 * DAY)
        self.refused(
            self.issuer(),
            "the certificate expires at 2027-02-14 08:00:00Z, before the proxy would at"
            " 2027-02-14 08:00:01Z; renew it",
            NOW + 30 * DAY + 1,
        )
        short = self.authority.issue("/CN=Above", end=NOW + 60)
        self.refused(self.issuer(self.owner, short), "certificate 2 expires at")
        old = self.authority.issue(DN, end=NOW - 1)
        self.refused(self.issuer(old), "the certificate expired at")
        young = self.authority.issue(DN, begin=NOW + 1)
        self.refused(self.issuer(young), "is not valid before")

    def test_unfit(self) -> None:
        """Authorities, short keys, and who may not sign, make no proxies."""
        self.refused(self.issuer(self.authority.identity), "is of an authority")
        mute = self.authority.issue(DN, extensions=[(allowed(key_encipherment=True), True)])
        self.refused(self.issuer(mute), "lacks digitalSignature")
        weak = self.authority.issue(DN, bits=1024)
        self.refused(self.issuer(weak), "the key has 1024 bits, less than 2048")
        free = self.authority.issue(DN, extensions=[])
        self.assertTrue(self.made(self.issuer(free)).trusted(self.authority))

    def test_curve(self) -> None:
        """An owner may have a key on a curve; the proxy's is RSA, which everybody can use."""
        owner = self.authority.issue(DN, bits=256)
        self.assertTrue(self.made(self.issuer(owner)).trusted(self.authority))

    @settings(max_examples=15, deadline=None)
    @given(st.floats(-1e6, 40 * DAY), st.booleans())
    def test_any_end(self, life: float, legacy: bool) -> None:
        """Whatever end is asked for: a proxy that is valid until then, or a refusal."""
        try:
            made = self.made(until=NOW + life, legacy=legacy)
        except CredentialError:
            self.assertTrue(life < 1 or life > 30 * DAY)
            return
        self.assertLessEqual(end_of(made.certificate), end_of(self.owner.certificate))
        self.assertEqual(int(NOW + life), end_of(made.certificate))


def numbers(key: rsa.RSAPrivateKey) -> rsa.RSAPublicNumbers:
    return key.public_key().public_numbers()


def numbers_of(certificate: x509.Certificate) -> rsa.RSAPublicNumbers:
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    return key.public_numbers()
