"""Certificates and CRLs as bytes: read, timed, and compared with who signed them."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Callable, TypeVar, Union

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import SignatureAlgorithmOID

T = TypeVar("T")
Signed = Union[x509.Certificate, x509.CertificateRevocationList]
MAX_CERTIFICATES = 500
"""Most certificates that one file may hold."""
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 16384
MIN_EC_BITS = 256
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s.*?-----END \1-----", re.DOTALL)
_CERTIFICATE_LABELS = (b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE")
_RSA: dict[x509.ObjectIdentifier, type[hashes.HashAlgorithm]] = {
    SignatureAlgorithmOID.RSA_WITH_SHA256: hashes.SHA256,
    SignatureAlgorithmOID.RSA_WITH_SHA384: hashes.SHA384,
    SignatureAlgorithmOID.RSA_WITH_SHA512: hashes.SHA512,
}
_EC: dict[x509.ObjectIdentifier, type[hashes.HashAlgorithm]] = {
    SignatureAlgorithmOID.ECDSA_WITH_SHA256: hashes.SHA256,
    SignatureAlgorithmOID.ECDSA_WITH_SHA384: hashes.SHA384,
    SignatureAlgorithmOID.ECDSA_WITH_SHA512: hashes.SHA512,
}


def certificates(data: bytes) -> tuple[x509.Certificate, ...]:
    """
    All certificates of a file's content, PEM with whatever text around it, or DER.

    :raises ValueError: there is none, there are too many, or one cannot be understood.
    """
    found = _read(
        data,
        _CERTIFICATE_LABELS[:2],
        x509.load_pem_x509_certificate,
        x509.load_der_x509_certificate,
        "certificate",
    )
    for each in found:
        _touch(each)
    return found


def revocations(data: bytes) -> tuple[x509.CertificateRevocationList, ...]:
    """All CRLs of a file's content; as ``certificates``."""
    return _read(data, (b"X509 CRL",), x509.load_pem_x509_crl, x509.load_der_x509_crl, "CRL")


def _read(
    data: bytes,
    labels: tuple[bytes, ...],
    pem: Callable[[bytes], T],
    der: Callable[[bytes], T],
    what: str,
) -> tuple[T, ...]:
    if b"-----BEGIN " not in data:
        return (_understood(der, data, what),)
    blocks = [match for match in _PEM.finditer(data) if match[1] in labels]
    if not blocks:
        raise ValueError(f"there is no {what} in it")
    if len(blocks) > MAX_CERTIFICATES:
        raise ValueError(f"there are over {MAX_CERTIFICATES} of {what} in it")
    return tuple(_understood(pem, block[0] + b"\n", what) for block in blocks)


def _understood(read: Callable[[bytes], T], data: bytes, what: str) -> T:
    try:
        return read(data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(f"no {what} that can be understood: {error}") from error


def _touch(certificate: x509.Certificate) -> None:
    """Have everything parsed that is looked at later: names, key and extensions."""
    try:
        certificate.subject  # noqa: B018
        certificate.issuer  # noqa: B018
        certificate.extensions  # noqa: B018
        certificate.public_key()
    except Exception as error:  # whatever a hostile certificate makes the library say
        raise ValueError(f"no certificate that can be understood: {error}") from error


def lifetime(certificate: x509.Certificate) -> tuple[float, float]:
    """From when and until when it is valid, in Unix seconds, both included."""
    return time_of(certificate, "not_valid_before"), time_of(certificate, "not_valid_after")


def time_of(of: Signed, name: str) -> float:
    """A time of a certificate or CRL in Unix seconds; inf for one that is left open."""
    aware = getattr(of, f"{name}_utc", None)  # before 42 the library knew only naive UTC
    value: datetime | None = getattr(of, name) if aware is None else aware
    return float("inf") if value is None else value.replace(tzinfo=timezone.utc).timestamp()


def key_problem(key: object) -> str | None:
    """Why a public key is too weak, or of no kind that is known here; None if it is good."""
    if isinstance(key, rsa.RSAPublicKey):
        if MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            return None
        return f"an RSA key of {key.key_size} bits, not {MIN_RSA_BITS} to {MAX_RSA_BITS}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.key_size >= MIN_EC_BITS:
            return None
        return f"a key on a curve of {key.curve.key_size} bits, less than {MIN_EC_BITS}"
    return "a key that is neither RSA nor on an elliptic curve"


def self_signed(certificate: x509.Certificate) -> bool:
    """
    Whether it says that it signed itself. That is not verified: of an anchor nothing but the
    place where it lies says that it is to be trusted, and its digest may be older than allowed.
    """
    if certificate.issuer != certificate.subject:
        return False
    extensions = certificate.extensions
    try:
        issuer = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        own = extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return True
    return issuer.key_identifier in (None, own.digest)


def direct_problem(signed: Signed, issuer: x509.Certificate) -> str | None:
    """Why a certificate or CRL was not signed well by the key of ``issuer``; None if it was."""
    key = issuer.public_key()
    body = (
        signed.tbs_certificate_bytes
        if isinstance(signed, x509.Certificate)
        else signed.tbs_certlist_bytes
    )
    algorithm = signed.signature_algorithm_oid
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm in _RSA:
            key.verify(signed.signature, body, padding.PKCS1v15(), _RSA[algorithm]())
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm in _EC:
            key.verify(signed.signature, body, ec.ECDSA(_EC[algorithm]()))
        else:
            return f"a signature by {_algorithm(algorithm)}, which is weak, or not of its issuer"
    except InvalidSignature:
        return "a signature that is not of its issuer's key"
    except (ValueError, UnsupportedAlgorithm) as error:
        return f"a signature that cannot be verified: {error}"
    return key_problem(key)


def _algorithm(oid: x509.ObjectIdentifier) -> str:
    name = getattr(oid, "_name", "")
    return str(oid.dotted_string) if name in ("", "Unknown OID") else str(name)
