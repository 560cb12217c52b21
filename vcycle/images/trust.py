"""Whom HTTPS trusts: the system's authorities and those of a grid's directory, with their CRLs."""

from __future__ import annotations

from typing import Any, Callable

from attrs import define, field
from OpenSSL import SSL, crypto

from vcycle.core.errors import CallTimedOut, CredentialError, FetchError
from vcycle.images.authorities import Authorities, read_authorities
from vcycle.interfaces import RunInThread

RENEW_SECONDS = 3600.0
"""How old what was read of the directory may be: CRLs are renewed a few times a day."""

NO_CRL = 3
"""OpenSSL's X509_V_ERR_UNABLE_TO_GET_CRL: CRLs are for authorities that have one here."""

REASONS = {
    2: "its issuer is not known; put the authority's certificate into ca_directory",
    9: "it is not valid yet; see both clocks",
    10: "it has expired",
    12: "the CRL of its authority has expired; see whether fetch-crl runs",
    18: "it signed itself, and is not trusted",
    19: "its authority is not trusted; put the authority's certificate into ca_directory",
    20: "its issuer is not known; put the authority's certificate into ca_directory",
    21: "its issuer is not known; put the authority's certificate into ca_directory",
    23: "it was revoked",
    26: "it is not meant for servers",
    66: "its key is too small",
    68: "it is signed with a digest that is too weak",
}
"""What OpenSSL's numbers say of a server's certificate."""


@define(eq=False)
class Trust:
    """
    Gives the context of TLS connections; it is made in a thread, and made anew now and then.

    ``directory`` None is the system's authorities alone; ``clock`` goes only forward.
    """

    directory: str | None
    in_thread: RunInThread
    clock: Callable[[], float]
    system: bool = True
    _context: SSL.Context | None = field(default=None, init=False)
    _made_at: float = field(default=0.0, init=False)

    async def context(self) -> SSL.Context:
        """
        What connections are made with.

        :raises FetchError: the directory cannot be read.
        """
        context = self._context
        if context is None or self.clock() - self._made_at >= RENEW_SECONDS:
            directory, system = self.directory, self.system
            try:
                context = await self.in_thread(lambda: make_context(directory, system))
            except CredentialError as error:
                raise FetchError(str(error)) from error
            except CallTimedOut as error:
                raise FetchError(f"the certificates cannot be read: {error}") from error
            self._context, self._made_at = context, self.clock()
        return context


def make_context(directory: str | None, system: bool = True) -> SSL.Context:
    """
    TLS 1.2 or newer. An authority beside which there is a CRL that cannot be read is not trusted.
    Blocks.

    :raises CredentialError: the directory cannot be read.
    """
    authorities = None if directory is None else read_authorities(directory)
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_COMPRESSION)
    if system:
        context.set_default_verify_paths()
    if authorities is not None:
        _add(context.get_cert_store(), authorities)
    return context


def _add(store: Any, authorities: Authorities) -> None:
    for certificate in (*authorities.anchors, *authorities.intermediates):
        if certificate not in authorities.doubtful:
            store.add_cert(crypto.X509.from_cryptography(certificate))
    if not authorities.revocations:
        return
    for each in authorities.revocations:
        # Once pyOpenSSL had a class of its own for CRLs.
        own = getattr(crypto, "CRL", None)
        store.add_crl(each if own is None else own.from_cryptography(each))
    store.set_flags(crypto.X509StoreFlags.CRL_CHECK | crypto.X509StoreFlags.CRL_CHECK_ALL)


def bearable(errno: int) -> bool:
    """Whether a connection may go on though OpenSSL reports this."""
    return errno == NO_CRL


def reason(errno: int) -> str:
    """What a number of OpenSSL says of a certificate."""
    return REASONS.get(errno, f"OpenSSL refuses it (verification error {errno})")
