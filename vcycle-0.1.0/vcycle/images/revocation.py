"""Certificate revocation lists: whether an authority took back what it signed."""

from __future__ import annotations

from cryptography import x509

from vcycle.core.moments import moment
from vcycle.images.authorities import Authorities
from vcycle.images.certificates import direct_problem, time_of
from vcycle.images.names import oneline


def revoked_problem(
    certificate: x509.Certificate, issuer: x509.Certificate, authorities: Authorities, now: float
) -> str | None:
    """
    Why the CRLs of ``issuer`` do not let a certificate of its be trusted; None if they do.

    Without any CRL of the issuer there is nothing to say. With some, one of them has to be good,
    current and complete, and none that is good may name the certificate.
    """
    called = oneline(issuer.subject)
    if issuer in authorities.doubtful:
        return f"the CRL of {called} in {authorities.directory} cannot be read; fetch it again"
    current = False
    reason = None
    for each in authorities.revocations:
        if each.issuer != issuer.subject:
            continue
        problem = _list_problem(each, issuer, certificate)
        if problem is not None:
            reason = f"the CRL of {called}: {problem}"
            continue
        if each.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
            return f"{oneline(certificate.subject)}: it was revoked by {called}"
        begin, end = time_of(each, "last_update"), time_of(each, "next_update")
        if begin <= now <= end:
            current = True
        else:
            when = f"ended {moment(end)}" if now > end else f"begins {moment(begin)}"
            reason = f"the CRL of {called} {when}; fetch it again (fetch-crl does)"
    return None if current else reason


def _list_problem(
    each: x509.CertificateRevocationList, issuer: x509.Certificate, certificate: x509.Certificate
) -> str | None:
    problem = direct_problem(each, issuer)
    if problem is not None:
        return problem
    try:
        extensions = list(each.extensions)
    except Exception as error:  # whatever a damaged CRL makes the library say
        return f"its extensions cannot be understood: {error}"
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.DeltaCRLIndicator):
            return "it tells only of changes, and is not complete"
        if isinstance(value, x509.IssuingDistributionPoint):
            if value.only_some_reasons or value.indirect_crl or _leaves_out(value, certificate):
                return "it tells only of some certificates, and is not complete"
        elif extension.critical:
            return f"its critical extension {extension.oid.dotted_string} is not understood here"
    return None


def _leaves_out(point: x509.IssuingDistributionPoint, certificate: x509.Certificate) -> bool:
    if point.only_contains_attribute_certs:
        return True
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        authority = constraints.ca
    except x509.ExtensionNotFound:
        authority = False
    return point.only_contains_user_certs if authority else point.only_contains_ca_certs
