"""One proxy: a short-lived certificate of a new key, below an issuer's own."""

from __future__ import annotations

import secrets
from datetime import datetime, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from vcycle.credentials.issuer import PROXY_CERT_INFO, Issuer, begin_of

KEY_BITS = 2048
BACK_SECONDS = 300
"""How long before now a proxy begins, for verifiers whose clocks are slow."""
SERIAL_BITS = 63
"""What every verifier holds in one number; nobody can guess it, and none comes twice."""
LIMITED = bytes.fromhex("300f300d060b2b060104019b50010101" + "09")
"""ProxyCertInfo of RFC 3820: no path length, the policy language of Globus' limited proxies."""


def make_proxy(issuer: Issuer, *, now: float, until: float, legacy: bool) -> bytes:
    """
    A new limited proxy as PEM: its certificate, its key (PKCS #8, not encrypted), and the issuer's
    certificates in their order. Times are Unix seconds.

    The name is the issuer's with one CN: the serial number, as RFC 3820 wants it unique and
    software that maps proxies to their owners looks for a number, or ``limited proxy`` in the
    older form. It makes a key, and so takes a while.

    :raises CredentialError: the issuer cannot sign such a proxy.
    """
    issuer.check(now=now, until=until, legacy=legacy)
    key = rsa.generate_private_key(65537, KEY_BITS)
    serial = secrets.randbits(SERIAL_BITS) | 1
    last = x509.NameAttribute(NameOID.COMMON_NAME, "limited proxy" if legacy else str(serial))
    subject = issuer.certificate.subject
    builder = (
        x509.CertificateBuilder()
        .issuer_name(subject)
        .subject_name(x509.Name([*subject.rdns, x509.RelativeDistinguishedName([last])]))
        .serial_number(serial)
        .not_valid_before(_date(max(now - BACK_SECONDS, begin_of(issuer.certificate))))
        .not_valid_after(_date(until))
        .public_key(key.public_key())
        .add_extension(_USAGE, critical=True)
    )
    if not legacy:
        info = x509.UnrecognizedExtension(PROXY_CERT_INFO, LIMITED)
        builder = builder.add_extension(info, critical=True)
    made = builder.sign(issuer.key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    pieces = [
        made.public_bytes(pem),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        *(one.public_bytes(pem) for one in issuer.certificates),
    ]
    return b"".join(pieces)


_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=True,
    data_encipherment=False,
    key_agreement=True,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _date(at: float) -> datetime:
    return datetime.fromtimestamp(int(at), timezone.utc)
