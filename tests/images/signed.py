"""
Certificate authorities, and images with CernVM signatures, made for tests.

``sign(image, authority.issue(CERNVM))`` is a signed image; ``authority.plant(directory)`` makes
the CA directory that it is verified against.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Union

from attrs import define, frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

Key = Union[rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey]
BLOCK = 32768
NOW = 1_800_000_000.0
"""When all that is made here is valid, a day before and thirty days after included."""
DAY = 86400.0
_OIDS = {
    "C": NameOID.COUNTRY_NAME,
    "CN": NameOID.COMMON_NAME,
    "DC": NameOID.DOMAIN_COMPONENT,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "dnQualifier": NameOID.DN_QUALIFIER,
    "serialNumber": NameOID.SERIAL_NUMBER,
}
CERNVM = "/DC=ch/DC=cern/OU=computers/CN=cvm-sign02.cern.ch"
METADATA = {"ucernvm-version": "2024.05-1", "os-repo": "cvmfs", "snapshot": "HEAD"}
_keys: dict[tuple[str, int], Key] = {}


def key(owner: str, bits: int = 2048) -> Key:
    """An owner's RSA key, or for 256 and 384 bits one on a curve; always the same in one run."""
    if (owner, bits) not in _keys:
        _keys[owner, bits] = (
            ec.generate_private_key(ec.SECP256R1() if bits == 256 else ec.SECP384R1())
            if bits in (256, 384)
            else rsa.generate_private_key(65537, bits)
        )
    return _keys[owner, bits]


def name(dn: str) -> x509.Name:
    """A name of its slash form; values cannot have slashes."""
    parts = (part.partition("=") for part in dn.split("/")[1:])
    return x509.Name([x509.NameAttribute(_OIDS[kind], value) for kind, _, value in parts])


def when(at: float) -> datetime:
    return datetime.fromtimestamp(at, timezone.utc)


@frozen
class Identity:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


@define
class Authority:
    """An authority that signed itself, or was signed by ``above``."""

    identity: Identity
    above: Authority | None = None

    @classmethod
    def made(
        cls,
        dn: str = "/DC=ch/DC=cern/CN=CERN Test CA",
        *,
        above: Authority | None = None,
        bits: int = 2048,
        begin: float = NOW - DAY,
        end: float = NOW + 30 * DAY,
        path_length: int | None = None,
        ca: bool = True,
        usage: x509.KeyUsage | None = None,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    ) -> Authority:
        identity = certify(
            name(dn),
            key(dn, bits),
            None if above is None else above.identity,
            begin=begin,
            end=end,
            extensions=[
                (x509.BasicConstraints(ca, path_length if ca else None), True),
                (usage or allowed(key_cert_sign=True, crl_sign=True), True),
                *extensions,
            ],
        )
        return cls(identity, above)

    def issue(
        self,
        dn: str = CERNVM,
        *,
        bits: int = 2048,
        begin: float = NOW - DAY,
        end: float = NOW + 30 * DAY,
        subject: x509.Name | None = None,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] | None = None,
    ) -> Identity:
        """A certificate of somebody who is no authority."""
        if extensions is None:
            extensions = [
                (x509.BasicConstraints(False, None), True),
                (allowed(digital_signature=True, key_encipherment=True), True),
            ]
        return certify(
            name(dn) if subject is None else subject,
            key(dn, bits),
            self.identity,
            begin=begin,
            end=end,
            extensions=extensions,
        )

    def crl(
        self,
        *revoked: Identity,
        begin: float = NOW - DAY,
        end: float = NOW + DAY,
        signer: Key | None = None,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    ) -> bytes:
        """A CRL as PEM."""
        builder = x509.CertificateRevocationListBuilder(
            self.identity.certificate.subject, when(begin), when(end)
        )
        for each in revoked:
            entry = x509.RevokedCertificateBuilder(
                each.certificate.serial_number, when(begin)
            ).build()
            builder = builder.add_revoked_certificate(entry)
        for value, critical in extensions:
            builder = builder.add_extension(value, critical)
        crl = builder.sign(signer or self.identity.key, hashes.SHA256())
        return crl.public_bytes(serialization.Encoding.PEM)

    def plant(self, directory: str | Path, stem: str = "ca", crl: bytes | None = None) -> str:
        """Write its certificate, those above it, and its CRL, into a CA directory."""
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{stem}.pem").write_bytes(self.identity.pem)
        if crl is not None:
            (directory / f"{stem}.crl").write_bytes(crl)
        if self.above is not None:
            self.above.plant(directory, f"{stem}-above")
        return str(directory)


def certify(
    subject: x509.Name,
    own: Key,
    issuer: Identity | None,
    *,
    begin: float,
    end: float,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> Identity:
    """A certificate by ``issuer``, or by itself."""
    builder = x509.CertificateBuilder(
        issuer_name=subject if issuer is None else issuer.certificate.subject,
        subject_name=subject,
        public_key=own.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=when(begin),
        not_valid_after=when(end),
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    made = builder.sign(own if issuer is None else issuer.key, hashes.SHA256())
    return Identity(made, own)


def allowed(**usages: bool) -> x509.KeyUsage:
    """A keyUsage of what is named, and nothing else."""
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment")
    more = ("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{each: usages.get(each, False) for each in names + more})


def padded(block: bytes) -> bytes:
    """A block as it stands in an image."""
    if len(block) > BLOCK:
        raise ValueError(f"{len(block)} bytes do not fit")
    return block.ljust(BLOCK, b"\0")


def sign(image: bytes, signer: Identity, metadata: bytes | None = None) -> bytes:
    """An image of any content, with metadata block and signature block after it."""
    text = json.dumps(METADATA).encode() if metadata is None else metadata
    whole = image + padded(text)
    return whole + signature_block(whole, signer)


def signature_block(whole: bytes, signer: Identity) -> bytes:
    """The last block, for all that is before it."""
    if not isinstance(signer.key, rsa.RSAPrivateKey):
        raise TypeError("signatures of images are by RSA keys")
    signature = signer.key.sign(whole, padding.PKCS1v15(), hashes.SHA256())
    block = {
        "certificate": base64.b64encode(signer.pem).decode(),
        "signature": base64.b64encode(signature).decode(),
        "howto-verify": ["openssl dgst -sha256 -verify", "https://cernvm.example.org/verify"],
    }
    return padded(json.dumps(block).encode())
