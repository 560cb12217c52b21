"""
A directory of certificate authorities, as grids keep it: anchors, intermediates and CRLs.

All of it blocks, and is for threads.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator

from attrs import frozen
from cryptography import x509

from vcycle.core.errors import CredentialError
from vcycle.images.certificates import certificates, revocations, self_signed

DEFAULT_DIRECTORY = "/etc/grid-security/certificates"
MAX_FILES = 5000
MAX_CERTIFICATE_BYTES = 1 << 20
MAX_CRL_BYTES = 64 << 20
MAX_ALL_BYTES = 512 << 20
_CERTIFICATE = re.compile(r".+\.(pem|crt|cer)|[0-9a-f]{8}\.[0-9]{1,2}", re.IGNORECASE)
_CRL = re.compile(r".+\.crl|[0-9a-f]{8}\.r[0-9]{1,2}", re.IGNORECASE)


@frozen(kw_only=True)
class Authorities:
    """
    What a directory says of whom to trust.

    ``anchors`` signed themselves, ``intermediates`` lead to one, ``revocations`` are CRLs; none of
    them is judged yet, not even by its dates.
    ``doubtful`` are authorities beside which there is a CRL that cannot be read. ``problems``
    names the files that could not be read, and why.
    """

    directory: str
    anchors: tuple[x509.Certificate, ...] = ()
    intermediates: tuple[x509.Certificate, ...] = ()
    revocations: tuple[x509.CertificateRevocationList, ...] = ()
    doubtful: tuple[x509.Certificate, ...] = ()
    problems: tuple[str, ...] = ()


def default_directory(configured: str | None) -> str:
    """The directory that a configuration means."""
    return configured or DEFAULT_DIRECTORY


def read_authorities(directory: str) -> Authorities:
    """
    Read a directory in which certificates are ``HASH.0``, ``*.pem`` or ``*.crt`` and CRLs
    ``HASH.r0`` or ``*.crl``. Each file counts once, however many links lead to it.

    :raises CredentialError: the directory cannot be read, or has more in it than is bearable.
    """
    found: dict[bytes, x509.Certificate] = {}
    lists: dict[bytes, x509.CertificateRevocationList] = {}
    problems: list[str] = []
    unread: set[str] = set()
    by_stem: dict[str, list[x509.Certificate]] = {}
    for path, is_list, stems in _files(directory):
        try:
            if is_list:
                for each in revocations(_content(path, MAX_CRL_BYTES)):
                    lists[each.signature] = each
            else:
                for one in certificates(_content(path, MAX_CERTIFICATE_BYTES)):
                    found[one.tbs_certificate_bytes + one.signature] = one
                    for stem in stems:
                        by_stem.setdefault(stem, []).append(one)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            problems.append(f"{path}: {why}")
            if is_list:
                unread |= stems
    anchors = tuple(one for one in found.values() if self_signed(one))
    trusted = set(anchors)
    return Authorities(
        directory=directory,
        anchors=anchors,
        intermediates=tuple(one for one in found.values() if one not in trusted),
        revocations=tuple(lists.values()),
        doubtful=tuple(one for stem in sorted(unread) for one in by_stem.get(stem, ())),
        problems=tuple(problems),
    )


def _files(directory: str) -> Iterator[tuple[str, bool, set[str]]]:
    """
    The files that may be certificates or CRLs (True), each once, with the names without
    extensions of all links to it: ``HASH.r0`` is the CRL of ``HASH.0``.
    """
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        raise CredentialError(
            f"the CA directory {directory} cannot be read: {error.strerror}; install the"
            " certificates of the authorities there, or set ca_directory"
        ) from error
    wanted = [name for name in names if _CERTIFICATE.fullmatch(name) or _CRL.fullmatch(name)]
    if len(wanted) > MAX_FILES:
        raise _too_much(directory, f"{MAX_FILES} certificates and CRLs")
    files: dict[object, tuple[str, bool, set[str]]] = {}
    total = 0
    for name in wanted:
        path, is_list = os.path.join(directory, name), _CRL.fullmatch(name) is not None
        try:
            known = os.stat(path)
        except OSError:
            key: object = path  # what is wrong with it is told when it is opened
        else:
            key = (known.st_dev, known.st_ino, is_list)
            total += known.st_size if key not in files else 0
        files.setdefault(key, (path, is_list, set()))[2].add(name.rpartition(".")[0])
    if total > MAX_ALL_BYTES:
        raise _too_much(directory, f"{MAX_ALL_BYTES} bytes of certificates and CRLs")
    yield from files.values()


def _too_much(directory: str, what: str) -> CredentialError:
    return CredentialError(
        f"the CA directory {directory} has over {what}; set ca_directory to one that has less"
    )


def _at_once(path: str, flags: int) -> int:
    """Opens without waiting for whoever is at the other end of a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def _content(path: str, limit: int) -> bytes:
    with open(path, "rb", opener=_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("not a regular file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"larger than {limit} bytes")
    return data
