"""
A real HTTPS server on the loopback, with certificates of its own, that misbehaves as it is told.

In a test case: ``authority = Authority()``, ``server = Server(reactor, authority.issue())``, and
``server.stop()`` in the end. ``server.files["/image"] = Served(b"...")`` is what it gives.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from typing import Any, Callable

from attrs import Factory, define, frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import ssl
from twisted.internet.defer import Deferred, TimeoutError, maybeDeferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

LOCALHOST = "localhost"
MODIFIED = 1_700_000_000
PATIENCE = 5.0
"""Seconds until a connection is over that was cut."""

DAY = timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"),
            x509.NameAttribute(NameOID.COMMON_NAME, text),
        ]
    )


@frozen
class Pair:
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes
    issuer: bytes = b""

    def options(self) -> Any:
        """For ``listenSSL``."""
        return ssl.PrivateCertificate.loadPEM(self.certificate + self.key).options()


@define
class Authority:
    """An authority; each has a name and a key of its own."""

    name: str = "Example CA"
    key: ec.EllipticCurvePrivateKey = Factory(lambda: ec.generate_private_key(ec.SECP256R1()))

    def _builder(self, subject: x509.Name, public: Any, days: tuple[int, int]) -> Any:
        now = datetime.now(timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(_name(self.name))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + days[0] * DAY)
            .not_valid_after(now + days[1] * DAY)
        )

    @property
    def certificate(self) -> x509.Certificate:
        """Its own certificate."""
        builder = self._builder(_name(self.name), self.key.public_key(), (-100, 100))
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        usage = x509.KeyUsage(*(False, False, False, False, False, True, True, False, False))
        builder = builder.add_extension(constraints, critical=True)
        builder = builder.add_extension(usage, critical=True)
        made: x509.Certificate = builder.sign(self.key, hashes.SHA256())
        return made

    def issue(self, host: str = LOCALHOST, days: tuple[int, int] = (-1, 1)) -> Pair:
        """A server's certificate for a host, valid from and until so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            san: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            san = x509.DNSName(host)
        builder = self._builder(_name(host), key.public_key(), days)
        builder = builder.add_extension(x509.SubjectAlternativeName([san]), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        return Pair(
            certificate.public_bytes(serialization.Encoding.PEM),
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )

    def revoke(self, *pairs: Pair, days: tuple[int, int] = (-1, 1)) -> bytes:
        """A CRL with these certificates, as PEM."""
        now = datetime.now(timezone.utc)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(_name(self.name))
            .last_update(now + days[0] * DAY)
            .next_update(now + days[1] * DAY)
        )
        for pair in pairs:
            serial = x509.load_pem_x509_certificate(pair.certificate).serial_number
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(serial)
                .revocation_date(now - DAY / 2)
                .build()
            )
        made = builder.sign(self.key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM)

    def write(self, directory: str, crl: bytes | None = None, stem: str = "0123abcd") -> None:
        """Put it into a directory of authorities."""
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, f"{stem}.0"), "wb") as file:
            file.write(self.certificate.public_bytes(serialization.Encoding.PEM))
        if crl is not None:
            with open(os.path.join(directory, f"{stem}.r0"), "wb") as file:
                file.write(crl)


@define
class Served:
    """
    A file, and how it is served. ``cut`` ends the connection after so many bytes of each body,
    ``stall`` sends no more after so many. ``length`` False says not how long it is: chunked, or
    where ``chunked`` is False by closing the connection. ``changes`` is called once after the
    headers and a half are sent. ``plain`` ignores conditions and ranges, ``silent`` never answers.
    """

    body: bytes = b""
    etag: str | None = None
    modified: int | None = MODIFIED
    status: int = 200
    location: str | None = None
    length: bool = True
    chunked: bool = True
    cut: int | None = None
    stall: int | None = None
    plain: bool = False
    silent: bool = False
    changes: Callable[[], None] | None = None
    headers: Mapping[str, str] = Factory(dict)


@frozen
class Asked:
    """One request as it came; headers by names in lower case."""

    path: str
    headers: Mapping[str, str]
    uri: str = ""


class _Files(Resource):
    isLeaf = True

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server

    def render_GET(self, request: Request) -> Any:
        path = request.path.decode("ascii")
        headers = {
            name.decode("ascii").lower(): values[-1].decode("ascii")
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        self._server.asked.append(Asked(path, headers, request.uri.decode("ascii")))
        served = self._server.files.get(path)
        if served is None:
            request.setResponseCode(404)
            return b"<html>There is no such page.</html>"
        return _render(request, served, headers)


def _render(request: Any, served: Served, asked: Mapping[str, str]) -> Any:
    if served.silent:
        return NOT_DONE_YET
    request.setResponseCode(served.status)
    for name, value in served.headers.items():
        request.setHeader(name, value)
    if served.location is not None:
        request.setHeader("Location", served.location)
    modified = None if served.modified is None else formatdate(served.modified, usegmt=True)
    if served.etag is not None:
        request.setHeader("ETag", served.etag)
    if modified is not None:
        request.setHeader("Last-Modified", modified)
    if served.status != 200:
        return served.body
    if not served.plain and _unchanged(asked, served.etag, modified):
        request.setResponseCode(304)
        return b""
    body, first = served.body, 0
    wanted = "" if served.plain else asked.get("range", "")
    if wanted.startswith("bytes=") and asked.get("if-range") in (None, served.etag, modified):
        first = int(wanted[len("bytes=") :].rstrip("-"))
        if first >= len(body):
            request.setResponseCode(416)
            return b""
        request.setResponseCode(206)
        request.setHeader("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
    return _send(request, served, body[first:])


def _unchanged(asked: Mapping[str, str], etag: str | None, modified: str | None) -> bool:
    if "if-none-match" in asked:
        return etag is not None and etag in asked["if-none-match"]
    return modified is not None and asked.get("if-modified-since") == modified


def _send(request: Any, served: Served, body: bytes) -> Any:
    if served.length:
        request.setHeader("Content-Length", str(len(body)))
    elif not served.chunked:
        # Without a length, and in HTTP/1.0, the end of the connection is the end of the body.
        request.clientproto = b"HTTP/1.0"
    most = min(
        len(body) if limit is None else limit for limit in (served.cut, served.stall, len(body))
    )
    changes, served.changes = served.changes, None
    if changes is not None:
        half = min(most, len(body) // 2)
        request.write(body[:half])
        changes()
        body, most = served.body[-len(body) :][half:], most - half
    request.write(body[:most])
    if served.stall is not None:
        return NOT_DONE_YET
    if served.cut is not None:
        # While a producer is registered it would wait for that to end.
        request.channel.transport.unregisterProducer()
        request.channel.transport.loseConnection()
        return NOT_DONE_YET
    request.finish()
    return NOT_DONE_YET


class _Site(Site):
    """Knows its connections, so that they can be cut and waited for."""

    noisy = False

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource)
        self.open: dict[Any, Deferred[None]] = {}

    def buildProtocol(self, addr: Any) -> Any:
        return _Watched(self, super().buildProtocol(addr))

    def log(self, request: Any) -> None:
        """Nothing."""


class _Watched(Protocol):
    """Hands on to a site's own protocol."""

    def __init__(self, site: _Site, inner: Any) -> None:
        self._site = site
        self._inner = inner
        self._over: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        self._site.open[self.transport] = self._over
        self._inner.makeConnection(self.transport)

    def dataReceived(self, data: bytes) -> None:
        self._inner.dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        del self._site.open[self.transport]
        self._inner.connectionLost(reason)
        self._over.callback(None)


class Server:
    """Listens on the loopback; ``asked`` are all requests that came, in order."""

    def __init__(self, reactor: Any, pair: Pair | None, host: str = LOCALHOST) -> None:
        self.files: dict[str, Served] = {}
        self.asked: list[Asked] = []
        self._scheme = "http" if pair is None else "https"
        self._host = host
        self._reactor = reactor
        self._site = site = _Site(_Files(self))
        if pair is None:
            self._port = reactor.listenTCP(0, site, interface="127.0.0.1")
        else:
            self._port = reactor.listenSSL(0, site, pair.options(), interface="127.0.0.1")

        self.port = int(self._port.getHost().port)

    def url(self, path: str) -> str:
        """The address of one of its files."""
        return f"{self._scheme}://{self._host}:{self.port}{path}"

    async def stop(self) -> None:
        """Listen no more, and cut all connections."""
        await maybeDeferred(self._port.stopListening)
        for transport, over in list(self._site.open.items()):
            with suppress(AttributeError):  # of Twisted's, where TLS has just ended
                transport.abortConnection()
            with suppress(TimeoutError):
                await over.addTimeout(PATIENCE, self._reactor)
