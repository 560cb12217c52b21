"""Addresses that are fetched: only some schemes, and nothing in them that could mislead."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urljoin, urlsplit

from attrs import frozen

from vcycle.core.errors import FetchError

MAX_URL = 2000
PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"[0-9a-z]([0-9a-z_.-]{0,251}[0-9a-z])?", re.ASCII)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def is_url(reference: str) -> bool:
    """Whether a reference is an address of any scheme, and not a file's name."""
    return _URL.match(reference) is not None


@frozen(kw_only=True)
class Address:
    """An address without its fragment; ``host`` is in lower case, an IPv6 one without brackets."""

    url: str
    scheme: str
    host: str
    port: int

    @property
    def hostport(self) -> str:
        """As it stands in a request: with brackets where there have to be some."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse(url: str, *, allow_http: bool = False) -> Address:
    """
    Read an address.

    :raises FetchError: it is not fetched; the text says why, and the cure.
    """
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise FetchError(
            f"{url[:100]!r}: an address is at most {MAX_URL} printable ASCII characters, others"
            " escaped by %"
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise FetchError(f"{url}: no address that makes sense: {error}") from None
    scheme = parts.scheme.lower()
    if scheme not in PORTS:
        raise FetchError(f"{url}: only https:// is fetched; put it on such a server")
    if scheme == "http" and not allow_http:
        raise FetchError(
            f"{url}: http:// is not fetched, as anybody on the way could change it; use https://,"
            " or set allow_http = yes"
        )
    if parts.username is not None or parts.password is not None:
        raise FetchError(f"{parts.scheme}://...@{host}: remove the name and password before '@'")
    if not _is_host(host) or port == 0:
        raise FetchError(f"{url}: no name of a server, or no port, that makes sense")
    return Address(
        url=parts._replace(fragment="").geturl(),
        scheme=scheme,
        host=host.rstrip("."),
        port=PORTS[scheme] if port is None else port,
    )


def redirected(base: Address, location: str | None, *, allow_http: bool) -> Address:
    """
    Where a redirection leads to: never from https to http, whatever is allowed.

    :raises FetchError: it leads nowhere, or where nothing is fetched; the text does not name the
        address that was asked.
    """
    if not location:
        raise FetchError("a redirection that does not say where to")
    try:
        joined = urljoin(base.url, location)
    except ValueError as error:
        raise FetchError(f"a redirection that makes no sense: {error}") from None
    try:
        found = parse(joined, allow_http=True)
        if found.scheme == "http" and base.scheme == "https":
            raise FetchError(
                f"{found.url}: what is asked for by https:// never comes by http://, where anybody"
                " on the way could change it; have the server redirect to https://"
            )
        return parse(joined, allow_http=allow_http)
    except FetchError as error:
        raise FetchError(f"redirected to {error}") from None


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            return "%" not in host and bool(ipaddress.IPv6Address(host))
        except ValueError:
            return False
    return _HOST.fullmatch(host.rstrip(".")) is not None
