"""Whether a certificate is good: a path to an anchor, at one moment, with nothing revoked."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from vcycle.core.moments import moment
from vcycle.images.authorities import Authorities
from vcycle.images.certificates import direct_problem, key_problem, lifetime
from vcycle.images.names import oneline
from vcycle.images.revocation import revoked_problem

MAX_DEPTH = 8
"""Most authorities between a certificate and its anchor, that included."""
MAX_CANDIDATES = 100
"""Most authorities that are tried for one certificate, whatever names they share."""
# What the rules of this module, or nothing that they judge, make of extensions; a certificate
# with another one that is critical is refused. Name constraints are no rule here: whatever has
# them is refused, critical or not.
_UNDERSTOOD = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    ExtensionOID.CERTIFICATE_POLICIES,
    ExtensionOID.CRL_DISTRIBUTION_POINTS,
}


def trust_problem(
    certificate: x509.Certificate, authorities: Authorities, now: float
) -> str | None:
    """
    Why a signer's certificate is not to be trusted at ``now`` (Unix seconds); None if it is.

    The rules are those of RFC 5280: validity, basicConstraints, keyUsage, path length and CRLs
    of every certificate on the path. extendedKeyUsage is not asked for. An authority's CRL
    counts if there is one, and one that is out of date refuses all that the authority signed.
    """
    problem = _own_problem(certificate, now) or _signer_problem(certificate)
    if problem is not None:
        return f"{_called(certificate)}: {problem}"
    if certificate in authorities.anchors:
        return None
    return _Search(authorities, now).problem(certificate)


@define
class _Search:
    authorities: Authorities
    now: float
    tried: int = field(default=0, init=False)

    def problem(self, certificate: x509.Certificate) -> str | None:
        return self._climb(certificate, 0, (certificate,))

    def _climb(
        self, below: x509.Certificate, depth: int, path: tuple[x509.Certificate, ...]
    ) -> str | None:
        """None if a good path leads from ``below`` to an anchor, else why the last one is not."""
        reason = (
            f"{_called(below)}: {self.authorities.directory} has no certificate of its issuer,"
            f" {oneline(below.issuer)}"
        )
        for issuer in self._issuers(below):
            if issuer in path:
                continue
            self.tried += 1
            if self.tried > MAX_CANDIDATES or len(path) > MAX_DEPTH:
                return f"{_called(path[0])}: its path to an anchor is longer than is borne"
            problem = self._step_problem(below, issuer, depth)
            if problem is None:
                if issuer in self.authorities.anchors:
                    return None
                own_name = issuer.subject == issuer.issuer
                problem = self._climb(issuer, depth + (not own_name), (*path, issuer))
                if problem is None:
                    return None
            reason = problem
        return reason

    def _issuers(self, below: x509.Certificate) -> Iterator[x509.Certificate]:
        for known in (self.authorities.anchors, self.authorities.intermediates):
            for one in known:
                if one.subject == below.issuer:
                    yield one

    def _step_problem(
        self, below: x509.Certificate, issuer: x509.Certificate, depth: int
    ) -> str | None:
        problem = direct_problem(below, issuer)
        if problem is not None:
            return f"{_called(below)}: {problem}"
        problem = _own_problem(issuer, self.now) or _authority_problem(issuer, depth)
        if problem is not None:
            return f"the authority {_called(issuer)}: {problem}"
        return revoked_problem(below, issuer, self.authorities, self.now)


def _called(certificate: x509.Certificate) -> str:
    return oneline(certificate.subject)


def _own_problem(certificate: x509.Certificate, now: float) -> str | None:
    """What is wrong with a certificate by itself."""
    begin, end = lifetime(certificate)
    if now < begin:
        return f"it is not valid before {moment(begin)}"
    if now > end:
        return f"it was valid until {moment(end)}, and is no more"
    if certificate.version is not x509.Version.v3:
        return "it is not of version 3"
    for extension in certificate.extensions:
        if extension.oid == ExtensionOID.NAME_CONSTRAINTS:
            return "it has name constraints, which are not understood here"
        if extension.critical and extension.oid not in _UNDERSTOOD:
            return f"its critical extension {extension.oid.dotted_string} is not understood here"
    return key_problem(certificate.public_key())


def _signer_problem(certificate: x509.Certificate) -> str | None:
    usage = _usage(certificate)
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        return "its keyUsage does not allow it to sign"
    return None


def _authority_problem(certificate: x509.Certificate, depth: int) -> str | None:
    """Why it cannot be an authority that has ``depth`` others below it on the path."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return "it has no basicConstraints, so it is none"
    if not constraints.ca:
        return "its basicConstraints say that it is none"
    if constraints.path_length is not None and depth > constraints.path_length:
        return f"its path length of {constraints.path_length} does not allow {depth} below it"
    usage = _usage(certificate)
    if usage is not None and not usage.key_cert_sign:
        return "its keyUsage does not allow it to sign certificates"
    return None


def _usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None
