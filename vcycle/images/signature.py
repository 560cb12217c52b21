"""
The signature block of a CernVM image: read, and verified against authorities and a DN.

The last 64 KiB of a signed image are two JSON objects, each padded with zeros to 32 KiB: one of
metadata, one with the signer's certificate and his signature of all that is before it. All of
this blocks, and is for threads.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import stat
from typing import IO

from attrs import field, frozen
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from vcycle.core.errors import ImageMissing
from vcycle.images.authorities import Authorities
from vcycle.images.blocks import BLOCK, texts_of
from vcycle.images.certificates import certificates, key_problem, lifetime
from vcycle.images.chain import trust_problem
from vcycle.images.names import name_problem, oneline

CHUNK = 1 << 20
MAX_SIGNATURE = 2048
"""Largest signature in bytes: that of the largest key."""


class NotSigned(ImageMissing):
    """An image has no signature that can be trusted; the text says why."""


class Unreadable(NotSigned):
    """An image cannot be read, so that nothing is known of its signature."""


@frozen(kw_only=True)
class Signed:
    """
    An image whose signature was found good: of whom, and until when his certificate is valid.

    ``information`` is what the image's own metadata block says: ``ucernvm-version`` and so on.
    """

    dn: str
    expires_at: float
    information: dict[str, str] = field(factory=dict)

    @property
    def version(self) -> str | None:
        """The version that the image gives itself."""
        return self.information.get("ucernvm-version")


def verify_image(
    path: str, *, authorities: Authorities, expression: str | None, now: float
) -> Signed:
    """
    Verify the signature of the image at ``path`` at ``now`` (Unix seconds): digest, key,
    certificate, and the whole DN against ``expression`` (None allows every signer).

    :raises NotSigned: anything about it is not as it must be; Unreadable if nobody can tell.
    """
    try:
        with open(path, "rb", opener=_at_once) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise NotSigned(f"{path} is not a regular file; give that of an image")
            return _verify(file, found.st_size, path, authorities, expression, now)
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}; let it be read by this user") from error


def _at_once(path: str, flags: int) -> int:
    """Opens without waiting for whoever is at the other end of a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def _verify(
    file: IO[bytes],
    size: int,
    path: str,
    authorities: Authorities,
    expression: str | None,
    now: float,
) -> Signed:
    def refused(why: str) -> NotSigned:
        return NotSigned(f"{path}: {why}")

    if size <= 2 * BLOCK:
        raise refused(
            f"{size} bytes are too few for an image with a CernVM signature;"
            " without one, leave image_signing_dn unset"
        )
    file.seek(size - 2 * BLOCK)
    metadata, block = file.read(BLOCK), file.read(BLOCK)
    try:
        texts = texts_of(block)
        signer = _certificate(_decoded(texts, "certificate", BLOCK))
        signature = _decoded(texts, "signature", MAX_SIGNATURE)
    except ValueError as error:
        raise refused(
            f"no CernVM signature that can be understood: {error}; without one, leave"
            " image_signing_dn unset"
        ) from error
    # The cheap questions first: an image is large, and they are asked of nothing else.
    dn = oneline(signer.subject)
    problem = None if expression is None else name_problem(dn, expression)
    problem = problem or _weakness(signer) or trust_problem(signer, authorities, now)
    if problem is not None:
        raise refused(problem)
    if not _signed_by(signer, signature, _digest(file, size - BLOCK, path)):
        raise refused(
            f"the signature is not of {dn}, or the image was changed since; fetch it again"
        )
    return Signed(dn=dn, expires_at=lifetime(signer)[1], information=_information(metadata))


def _decoded(texts: dict[str, str], name: str, limit: int) -> bytes:
    text = texts.get(name)
    if text is None:
        raise ValueError(f"it has no {name}")
    try:
        data = base64.b64decode("".join(text.split()).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(f"its {name} is not base64") from error
    if not data or len(data) > limit:
        raise ValueError(f"its {name} has {len(data)} bytes, not 1 to {limit}")
    return data


def _certificate(pem: bytes) -> x509.Certificate:
    found = certificates(pem)
    if len(found) != 1:
        raise ValueError(f"it has {len(found)} certificates, not one")
    return found[0]


def _weakness(signer: x509.Certificate) -> str | None:
    key = signer.public_key()
    return key_problem(key) if isinstance(key, rsa.RSAPublicKey) else "the signer's key is not RSA"


def _digest(file: IO[bytes], size: int, path: str) -> bytes:
    digest = hashlib.sha256()
    file.seek(0)
    while size > 0:
        chunk = file.read(min(CHUNK, size))
        if not chunk:
            raise Unreadable(f"{path} became shorter while it was read; verify it again")
        digest.update(chunk)
        size -= len(chunk)
    return digest.digest()


def _signed_by(signer: x509.Certificate, signature: bytes, digest: bytes) -> bool:
    key = signer.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(signature, digest, padding.PKCS1v15(), Prehashed(hashes.SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _information(metadata: bytes) -> dict[str, str]:
    """What nobody relies on; none where it cannot be read."""
    try:
        return texts_of(metadata)
    except ValueError:
        return {}
