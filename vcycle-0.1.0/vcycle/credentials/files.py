"""Certificates and keys in PEM files, as administrators lay them down."""

from __future__ import annotations

import os
import re
import stat
from typing import Union

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from vcycle.core.errors import CredentialError

Key = Union[rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey]
MAX_BYTES = 1 << 20
MAX_CERTIFICATES = 20
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(
    rb"-----BEGIN ((?:RSA |EC |ENCRYPTED )?PRIVATE KEY)-----\s.*?-----END \1-----", re.DOTALL
)


def read_certificates(path: str) -> tuple[x509.Certificate, ...]:
    """
    All certificates of a file, in its order.

    :raises CredentialError: there is none, or one cannot be understood.
    """
    data, _ = _content(path)
    blocks = _CERTIFICATE.findall(data)
    if not 0 < len(blocks) <= MAX_CERTIFICATES:
        raise CredentialError(
            f"{path} has {len(blocks)} certificates, not 1 to {MAX_CERTIFICATES}; put the"
            " issuer's own first, in PEM, and those above it after it"
        )
    found: list[x509.Certificate] = []
    for block in blocks:
        try:
            one = x509.load_pem_x509_certificate(block + b"\n")
            one.subject, one.extensions, one.public_key()  # noqa: B018 - parsed only now
        except Exception as error:  # whatever a damaged certificate makes the library say
            raise CredentialError(
                f"{path}: certificate {len(found) + 1} cannot be understood: {error}; replace it"
            ) from error
        found.append(one)
    return tuple(found)


def read_key(path: str) -> Key:
    """
    The private key of a file, which others must not be able to read.

    :raises CredentialError: there is none, or it cannot be used as it is.
    """
    data, mode = _content(path)
    if mode & 0o007 or mode & stat.S_IWGRP:
        raise CredentialError(
            f"{path} has the mode {mode:04o}, so that others can read or change the private key"
            " in it; chmod 600 it"
        )
    match = _KEY.search(data)
    if match is None:
        raise CredentialError(f"{path} has no private key in PEM; put it there")
    if b"ENCRYPTED" in match[0]:
        raise CredentialError(
            f"{path}: the private key is encrypted; put it there without a passphrase"
        )
    try:
        key = serialization.load_pem_private_key(match[0] + b"\n", password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # The library's text could quote the file.
        raise CredentialError(
            f"{path}: the private key cannot be understood ({type(error).__name__}); replace it"
        ) from None
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise CredentialError(f"{path}: the private key is neither RSA nor EC; use one that is")
    return key


def _content(path: str) -> tuple[bytes, int]:
    """A regular file's whole content, and its mode."""
    try:
        with open(path, "rb", opener=_at_once) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise CredentialError(f"{path} is not a regular file; put one there")
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CredentialError(
            f"{path}: {error.strerror}; put the file there, so that this user can read it"
        ) from error
    if len(data) > MAX_BYTES:
        raise CredentialError(f"{path} is larger than {MAX_BYTES} bytes; put PEM there only")
    return data, stat.S_IMODE(found.st_mode)


def _at_once(path: str, flags: int) -> int:
    """Opens without waiting for whoever is at the other end of a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)
