"""Tests for vcycle.images.chain and vcycle.images.revocation."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from OpenSSL import crypto
from twisted.trial.unittest import SynchronousTestCase

from tests.images.signed import CERNVM, DAY, NOW, Authority, Identity, allowed, key, when
from vcycle.images.authorities import Authorities
from vcycle.images.chain import trust_problem

Extensions = list[tuple[x509.ExtensionType, bool]]
LEAF: Extensions = [(x509.BasicConstraints(False, None), True)]


def among(*authorities: Authority, crls: tuple[bytes, ...] = ()) -> Authorities:
    """A directory's content: the authorities without one above them are anchors."""
    return Authorities(
        directory="/ca",
        anchors=tuple(each.identity.certificate for each in authorities if each.above is None),
        intermediates=tuple(each.identity.certificate for each in authorities if each.above),
        revocations=tuple(x509.load_pem_x509_crl(crl) for crl in crls),
    )


def openssl_trusts(signer: Identity, authorities: Authorities, now: float) -> bool:
    """What OpenSSL says, with CRLs checked on the whole path where there are any."""
    store = crypto.X509Store()
    for each in (*authorities.anchors, *authorities.intermediates):
        store.add_cert(crypto.X509.from_cryptography(each))
    for crl in authorities.revocations:
        # Until 24.3 pyOpenSSL had a kind of its own, and at first took no other.
        kind = getattr(crypto, "CRL", None)
        store.add_crl(kind.from_cryptography(crl) if kind else crl)
    if authorities.revocations:
        store.set_flags(crypto.X509StoreFlags.CRL_CHECK)
    store.set_time(when(now))
    leaf = crypto.X509.from_cryptography(signer.certificate)
    try:
        crypto.X509StoreContext(store, leaf).verify_certificate()
    except crypto.X509StoreContextError:
        return False
    return True


class ChainTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Authority.made("/DC=ch/CN=Root CA")
        self.grid = Authority.made("/DC=ch/CN=Grid CA", above=self.root)

    def good(self, signer: Identity, authorities: Authorities, now: float = NOW) -> None:
        self.assertIsNone(trust_problem(signer.certificate, authorities, now))
        self.assertTrue(openssl_trusts(signer, authorities, now))

    def refused(
        self,
        signer: Identity,
        authorities: Authorities,
        expected: str,
        now: float = NOW,
        stricter: bool = False,
    ) -> None:
        """``stricter`` where OpenSSL, as it is used by default, sees nothing wrong."""
        problem = trust_problem(signer.certificate, authorities, now)
        assert problem is not None
        self.assertIn(expected, problem)
        self.assertEqual(stricter, openssl_trusts(signer, authorities, now))

    def test_good(self) -> None:
        """A path over any number of authorities to one that signed itself is good."""
        self.good(self.root.issue(), among(self.root))
        self.good(self.grid.issue(), among(self.root, self.grid))
        self.good(self.grid.issue(), among(self.root, self.grid), NOW + 29 * DAY)

    def test_curves(self) -> None:
        """Authorities may have keys on elliptic curves."""
        root = Authority.made("/CN=Curved CA", bits=384)
        grid = Authority.made("/CN=Curved Grid CA", bits=256, above=root)
        self.good(grid.issue(), among(root, grid))

    def test_self_signed(self) -> None:
        """A signer without an authority is good if he himself lies in the directory."""
        alone = Authority.made(CERNVM, ca=False, usage=allowed(digital_signature=True))
        self.assertIsNone(trust_problem(alone.identity.certificate, among(alone), NOW))
        self.refused(alone.identity, among(self.root), "/ca has no certificate of its issuer")

    def test_incomplete(self) -> None:
        """Without an authority on the way, or the one that signed itself, nothing is good."""
        signer = self.grid.issue()
        self.refused(signer, among(self.root), "has no certificate of its issuer, /DC=ch/CN=Grid")
        self.refused(signer, among(self.grid), "has no certificate of its issuer, /DC=ch/CN=Root")
        self.refused(signer, among(), "has no certificate of its issuer")

    def test_same_name(self) -> None:
        """An authority of the right name with another key has signed nothing."""
        other = Authority.made("/DC=ch/CN=Root CA", bits=3072)
        self.refused(self.root.issue(), among(other), "a signature that is not of its issuer's key")
        both = among(other, self.root)
        self.assertIsNone(trust_problem(self.root.issue().certificate, both, NOW))

    def test_validity(self) -> None:
        """Every certificate on the path has to be valid now."""
        both = among(self.root, self.grid)
        signer = self.grid.issue(end=NOW + 5 * DAY)
        self.good(signer, both, NOW + 5 * DAY - 1)
        self.refused(signer, both, f"{CERNVM}: it was valid until", NOW + 5 * DAY + 1)
        self.refused(signer, both, f"{CERNVM}: it is not valid before", NOW - 2 * DAY)
        old = Authority.made("/DC=ch/CN=Grid CA", above=self.root, end=NOW - 1)
        both = among(self.root, old)
        self.refused(signer, both, "the authority /DC=ch/CN=Grid CA: it was valid until")
        root = Authority.made("/DC=ch/CN=Root CA", end=NOW - 1)
        self.refused(root.issue(), among(root), "the authority /DC=ch/CN=Root CA: it was valid")

    def test_no_authority(self) -> None:
        """Who is no authority, or may not sign certificates, makes nobody good."""
        signed = self.root.issue("/CN=Mallory")
        mallory = Authority(signed, self.root)
        self.refused(mallory.issue(), among(self.root, mallory), "say that it is none")
        plain = Authority(self.root.issue("/CN=Mallory", extensions=[]), self.root)
        self.refused(plain.issue(), among(self.root, plain), "it has no basicConstraints")
        usage = allowed(digital_signature=True, crl_sign=True)
        lame = Authority.made("/CN=Lame CA", above=self.root, usage=usage)
        self.refused(lame.issue(), among(self.root, lame), "not allow it to sign certificates")

    def test_path_length(self) -> None:
        """A path length is kept to; who has the name of his issuer does not count."""
        top = Authority.made("/CN=Top CA", path_length=0)
        grid = Authority.made("/DC=ch/CN=Grid CA", above=top)
        self.refused(grid.issue(), among(top, grid), "its path length of 0 does not allow 1")
        self.good(top.issue(), among(top))
        top = Authority.made("/CN=Top CA", path_length=1)
        grid = Authority.made("/DC=ch/CN=Grid CA", above=top, path_length=0)
        self.good(grid.issue(), among(top, grid))

    def test_loops(self) -> None:
        """Authorities that signed each other, and any number of the same name, end somewhere."""
        one = Authority.made("/CN=One", above=Authority.made("/CN=Two"))
        two = Authority.made("/CN=Two", above=Authority.made("/CN=One"))
        self.refused(one.issue(), among(one, two), "")
        many = [Authority.made("/CN=One", above=Authority.made("/CN=One")) for _ in range(30)]
        problem = trust_problem(one.issue().certificate, among(*many), NOW)
        self.assertIn("longer than is borne", str(problem))

    def test_extensions(self) -> None:
        """What is critical and not understood is refused, and so are constraints on names."""
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
        odd = self.root.issue(extensions=[*LEAF, (unknown, True)])
        self.refused(odd, among(self.root), "its critical extension 1.2.3.4 is not understood")
        self.good(self.root.issue(extensions=[*LEAF, (unknown, False)]), among(self.root))
        names = x509.NameConstraints([x509.DNSName("example.com")], None)
        narrow = Authority.made("/CN=Narrow", extensions=[(names, False)])
        self.refused(narrow.issue(), among(narrow), "it has name constraints")

    def test_usage(self) -> None:
        """The signer's own keyUsage has to allow signatures; extendedKeyUsage is not asked."""
        lame = self.root.issue(extensions=[*LEAF, (allowed(key_encipherment=True), True)])
        self.refused(lame, among(self.root), "does not allow it to sign", stricter=True)
        server = x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.1")])
        self.good(self.root.issue(extensions=[*LEAF, (server, True)]), among(self.root))

    def test_weak(self) -> None:
        """Short keys are refused anywhere on the path."""
        signer = self.root.issue(bits=1024)
        self.refused(signer, among(self.root), "an RSA key of 1024 bits", stricter=True)
        weak = Authority.made("/CN=Weak CA", bits=1024)
        self.refused(weak.issue(), among(weak), "an RSA key of 1024 bits", stricter=True)

    def test_proxy(self) -> None:
        """A proxy of a good signer is not the signer."""
        policy = bytes.fromhex("300f300d060b2b060104019b5001010109")
        info = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.14"), policy)
        proxy = self.root.issue(f"{CERNVM}/CN=1", extensions=[(info, True)])
        problem = trust_problem(proxy.certificate, among(self.root), NOW)
        self.assertIn("1.3.6.1.5.5.7.1.14 is not understood", str(problem))


class DigestTests(SynchronousTestCase):
    def test_sha1(self) -> None:
        """SHA-1 is allowed in what an anchor says of itself, and nowhere else."""
        root = Authority.made("/CN=Old CA")
        old = by_sha1(root.identity, root.identity)
        authorities = Authorities(directory="/ca", anchors=(old,))
        signer = root.issue()
        self.assertIsNone(trust_problem(signer.certificate, authorities, NOW))
        problem = trust_problem(by_sha1(signer, root.identity), authorities, NOW)
        self.assertIn("a signature by sha1WithRSAEncryption, which is weak", str(problem))


def by_sha1(signed: Identity, issuer: Identity) -> x509.Certificate:
    """The same certificate with such a signature, which the library makes no more."""
    sha256, sha1 = (bytes.fromhex(f"2a864886f70d0101{end}") for end in ("0b", "05"))
    body = signed.certificate.tbs_certificate_bytes.replace(sha256, sha1)
    assert isinstance(issuer.key, rsa.RSAPrivateKey)
    signature = issuer.key.sign(body, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303
    whole = signed.certificate.public_bytes(serialization.Encoding.DER).replace(sha256, sha1)
    return x509.load_der_x509_certificate(whole[: -len(signature)] + signature)


class RevocationTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Authority.made("/DC=ch/CN=Root CA")
        self.signer = self.root.issue()
        self.other = self.root.issue("/CN=Other")

    def problem(self, *crls: bytes, now: float = NOW) -> str | None:
        authorities = among(self.root, crls=crls)
        problem = trust_problem(self.signer.certificate, authorities, now)
        if problem is None:
            self.assertTrue(openssl_trusts(self.signer, authorities, now))
        return problem

    def test_good(self) -> None:
        """Who is not in a current CRL is good, and so are all where there is none."""
        self.assertIsNone(self.problem())
        self.assertIsNone(self.problem(self.root.crl(self.other)))

    def test_revoked(self) -> None:
        """Who is in one is not, though another does not name him or it is out of date."""
        bad = self.root.crl(self.signer)
        for crls in ((bad,), (bad, self.root.crl()), (self.root.crl(), bad)):
            self.assertIn("it was revoked by /DC=ch/CN=Root CA", str(self.problem(*crls)))
        self.assertIn("revoked", str(self.problem(bad, now=NOW + 2 * DAY)))

    def test_out_of_date(self) -> None:
        """An authority whose only CRL is out of date, or not yet in date, vouches for nobody."""
        crl = self.root.crl()
        problem = str(self.problem(crl, now=NOW + 2 * DAY))
        self.assertIn("the CRL of /DC=ch/CN=Root CA ended 2027-01-16", problem)
        self.assertIn("fetch-crl", problem)
        early = self.root.crl(begin=NOW + 60)
        self.assertIn("begins 2027", str(self.problem(early)))
        self.assertIsNone(self.problem(early, crl))

    def test_forged(self) -> None:
        """A CRL that the authority did not sign is as good as none that is in date."""
        forged = self.root.crl(signer=key("/CN=Mallory"))
        self.assertIn("not of its issuer's key", str(self.problem(forged)))
        both = among(self.root, crls=(forged, self.root.crl()))
        self.assertIsNone(trust_problem(self.signer.certificate, both, NOW))

    def test_partial(self) -> None:
        """A CRL that leaves some out proves nothing."""
        delta = self.root.crl(extensions=[(x509.DeltaCRLIndicator(1), True)])
        self.assertIn("tells only of changes", str(self.problem(delta)))
        for name, good in (
            ("only_contains_user_certs", True),
            ("only_contains_ca_certs", False),
            ("only_contains_attribute_certs", False),
            ("indirect_crl", False),
        ):
            problem = str(self.problem(self.root.crl(extensions=[(point(name), True)])))
            self.assertEqual(good, problem == "None", name)
            if not good:
                self.assertIn("tells only of some certificates", problem)
        odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
        crl = self.root.crl(extensions=[(odd, True)])
        self.assertIn("1.2.3.4 is not understood", str(self.problem(crl)))

    def test_whole_path(self) -> None:
        """An authority that was revoked vouches for nobody."""
        grid = Authority.made("/DC=ch/CN=Grid CA", above=self.root)
        authorities = among(self.root, grid, crls=(self.root.crl(grid.identity),))
        problem = trust_problem(grid.issue().certificate, authorities, NOW)
        self.assertIn("/DC=ch/CN=Grid CA: it was revoked", str(problem))

    def test_doubtful(self) -> None:
        """An authority beside which a CRL lies that cannot be read vouches for nobody."""
        certificate = self.root.identity.certificate
        authorities = Authorities(directory="/ca", anchors=(certificate,), doubtful=(certificate,))
        problem = trust_problem(self.signer.certificate, authorities, NOW)
        self.assertIn("the CRL of /DC=ch/CN=Root CA in /ca cannot be read", str(problem))


def point(name: str) -> x509.IssuingDistributionPoint:
    """A distribution point of which one thing is true."""
    names = ("only_contains_user_certs", "only_contains_ca_certs", "indirect_crl")
    flags = {each: each == name for each in (*names, "only_contains_attribute_certs")}
    return x509.IssuingDistributionPoint(
        full_name=None, relative_name=None, only_some_reasons=None, **flags
    )
