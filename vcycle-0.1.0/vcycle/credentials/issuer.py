"""Who signs proxies: a certificate with its key and all above it, found fit for that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

from attrs import field, frozen
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from vcycle.core.errors import CredentialError
from vcycle.core.moments import moment
from vcycle.credentials.files import Key, read_certificates, read_key

PROXY_CERT_INFO = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.14")
DRAFT_PROXY_CERT_INFO = x509.ObjectIdentifier("1.3.6.1.4.1.3536.1.222")
LEGACY_NAMES = ("proxy", "limited proxy")
MIN_RSA_BITS = 2048
MIN_EC_BITS = 256


@frozen(kw_only=True)
class Issuer:
    """
    The first certificate of a file, its key, and all of the file's certificates in order.

    ``path`` is of that file, for texts.
    """

    path: str
    key: Key = field(repr=False)
    certificates: tuple[x509.Certificate, ...]

    @property
    def certificate(self) -> x509.Certificate:
        return self.certificates[0]

    def check(self, *, now: float, until: float, legacy: bool) -> None:
        """
        See that it can sign a proxy now that ends at ``until``.

        :raises CredentialError: it cannot.
        """
        for problem in self._problems(now, until, legacy):
            raise CredentialError(f"{self.path}: {problem}")

    def _problems(self, now: float, until: float, legacy: bool) -> Iterator[str]:
        if int(until) <= now:
            yield f"a proxy until {moment(until)} would be over already; ask for a later end"
        for number, one in enumerate(self.certificates, 1):
            called = "the certificate" if number == 1 else f"certificate {number}"
            begin, end = begin_of(one), end_of(one)
            if begin > now:
                yield f"{called} is not valid before {moment(begin)}; set the clock, or wait"
            if end <= now:
                yield f"{called} expired at {moment(end)}; renew it"
            if end < int(until):
                yield (
                    f"{called} expires at {moment(end)}, before the proxy would at {moment(until)};"
                    " renew it, or let machines live less long (max_wallclock_seconds)"
                )
        yield from self._unfit()
        yield from self._unlike(legacy)

    def _unfit(self) -> Iterator[str]:
        extensions = self.certificate.extensions
        for extension in extensions:
            value = extension.value
            if isinstance(value, x509.BasicConstraints) and value.ca:
                yield "the certificate is of an authority, which issues no proxies; use another"
            if isinstance(value, x509.KeyUsage) and not value.digital_signature:
                yield "the certificate's keyUsage lacks digitalSignature; use one that has it"
            if extension.oid == PROXY_CERT_INFO and _is_last(value):
                yield "the certificate is a proxy that may not issue others; use one that may"
        if isinstance(self.key, rsa.RSAPrivateKey):
            least = MIN_RSA_BITS
            bits = self.key.key_size
        else:
            least, bits = MIN_EC_BITS, self.key.curve.key_size
        if bits < least:
            yield f"the key has {bits} bits, less than {least}; use a longer one"

    def _unlike(self, legacy: bool) -> Iterator[str]:
        """Verifiers refuse paths on which proxies of several forms are mixed."""
        oids = {extension.oid for extension in self.certificate.extensions}
        if DRAFT_PROXY_CERT_INFO in oids:
            yield "the certificate is a proxy of a form from before RFC 3820; make a new one"
        elif PROXY_CERT_INFO in oids and legacy:
            yield (
                "the certificate is a proxy of RFC 3820, below which there can be none of the"
                " older form; remove legacy_proxy (or -l)"
            )
        elif PROXY_CERT_INFO not in oids and not legacy and _says_legacy(self.certificate.subject):
            yield (
                "the certificate is a proxy of the older form, below which there can be none of"
                " RFC 3820; set legacy_proxy = true (or -l)"
            )


def read_issuer(certificate_path: str, key_path: str) -> Issuer:
    """
    The issuer of two files, which may be one.

    :raises CredentialError: they cannot be used, or are not of each other.
    """
    certificates = read_certificates(certificate_path)
    key = read_key(key_path)
    if _public(key.public_key()) != _public(certificates[0].public_key()):
        raise CredentialError(
            f"{key_path} is not the private key of the first certificate in {certificate_path};"
            " put the two of one pair there"
        )
    return Issuer(path=certificate_path, key=key, certificates=certificates)


def begin_of(certificate: x509.Certificate) -> float:
    """From when it is valid, in Unix seconds."""
    return _seconds(certificate, "not_valid_before")


def end_of(certificate: x509.Certificate) -> float:
    """Until when it is valid, in Unix seconds."""
    return _seconds(certificate, "not_valid_after")


def _seconds(certificate: x509.Certificate, name: str) -> float:
    aware = getattr(certificate, f"{name}_utc", None)  # before 42 the library knew only naive UTC
    value: datetime = getattr(certificate, name) if aware is None else aware
    return value.replace(tzinfo=timezone.utc).timestamp()


def _public(key: object) -> bytes:
    made: bytes = key.public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return made


def _is_last(value: x509.ExtensionType) -> bool:
    """Whether a proxyCertInfo begins with a path length, an INTEGER, of 0."""
    data = value.value if isinstance(value, x509.UnrecognizedExtension) else b""
    return data[2:5] == b"\x02\x01\x00"


def _says_legacy(subject: x509.Name) -> bool:
    names = [each.value for each in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return names[-1:] != [] and names[-1] in LEGACY_NAMES
