"""The other end of a TLS connection: is it who it should be?"""

from __future__ import annotations

from typing import Any

from attrs import define, field
from OpenSSL import SSL
from service_identity import VerificationError
from service_identity.cryptography import verify_certificate_hostname, verify_certificate_ip_address
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from zope.interface import implementer

from vcycle.images.gathering import Gathering
from vcycle.images.names import oneline
from vcycle.images.trust import bearable, reason


@implementer(IOpenSSLClientConnectionCreator)
@define(eq=False)
class Peer:
    """
    Makes a TLS connection to ``host``, and lets nobody else be at its other end.

    ``refusal`` is why the certificate is not good, once one was not.
    """

    host: str
    context: SSL.Context
    refusal: str | None = field(default=None, init=False)

    def clientConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        connection = Gathering(self.context, None)
        connection.set_app_data(protocol)
        if not _is_address(self.host):
            connection.set_tlsext_host_name(self.host.encode("ascii"))
        # Not that of the context, which all connections share.
        connection.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, self._look)
        return connection

    def _look(self, connection: Any, certificate: Any, errno: int, depth: int, good: int) -> bool:
        """OpenSSL's callback, the server's own certificate last; an exception would be lost."""
        try:
            if not good and not bearable(errno):
                self.refusal = self.refusal or f"{_subject(certificate)}: {reason(errno)}"
            elif depth == 0:
                self._compare(certificate)
        except Exception:
            self.refusal = "its certificate is not understood"
        return self.refusal is None

    def _compare(self, certificate: Any) -> None:
        own = certificate.to_cryptography()
        try:
            if _is_address(self.host):
                verify_certificate_ip_address(own, self.host)
            else:
                verify_certificate_hostname(own, self.host)
        except VerificationError:
            self.refusal = f"{_subject(certificate)}: it is not for the host {self.host}"


def _is_address(host: str) -> bool:
    return isIPAddress(host) or isIPv6Address(host)


def _subject(certificate: Any) -> str:
    return f"its certificate {oneline(certificate.to_cryptography().subject)[:200]}"
