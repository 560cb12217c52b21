"""Which proxy, if any, an address is fetched through."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from attrs import field, frozen

from vcycle.core.errors import FetchError
from vcycle.core.images.address import Address

PROXY_PORT = 3128


@frozen(kw_only=True)
class Proxy:
    """An HTTP proxy; ``authorization`` is what it wants to hear, a secret."""

    host: str
    port: int
    authorization: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"the proxy {self.host}:{self.port}"


@frozen(kw_only=True)
class Proxies:
    """Proxies by scheme, as URLs or HOST:PORT, and the hosts for which there is none."""

    https: str | None = field(default=None, repr=False)
    http: str | None = field(default=None, repr=False)
    none_for: str = ""

    def of(self, address: Address) -> Proxy | None:
        """
        The proxy for an address.

        :raises FetchError: it is not understood.
        """
        text = self.https if address.scheme == "https" else self.http
        if not text or _listed(address, self.none_for):
            return None
        return _proxy(text)


def proxies(
    https_proxy: str | None, no_proxy: str | None, environment: Mapping[str, str]
) -> Proxies:
    """
    As the settings say, and where they do not, the environment as curl reads it: HTTP_PROXY in
    capitals counts for nothing, as a server's caller may have set it.
    """
    if https_proxy:
        https, http = https_proxy, https_proxy
    else:
        everything = environment.get("all_proxy") or environment.get("ALL_PROXY")
        https = environment.get("https_proxy") or environment.get("HTTPS_PROXY") or everything or ""
        http = environment.get("http_proxy") or everything or ""
    if no_proxy is None:
        no_proxy = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    return Proxies(https=https or None, http=http or None, none_for=no_proxy)


def _proxy(text: str) -> Proxy:
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme != "http":
        raise FetchError("https_proxy is not understood; set it to http://HOST:PORT")
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode("utf-8")).decode("ascii")
    return Proxy(host=host, port=port or PROXY_PORT, authorization=authorization)


def _listed(address: Address, names: str) -> bool:
    """Names mean themselves and what is below them; networks mean addresses in them."""
    for name in names.lower().replace(",", " ").split()[:1000]:
        bare, _, port = name.rpartition(":")
        if bare and port.isdigit() and ":" not in bare:
            if int(port[:6]) != address.port:
                continue
            name = bare
        domain = name.strip("[]").lstrip("*").strip(".")
        if name == "*" or address.host == domain or address.host.endswith(f".{domain}"):
            return True
        if _within(address.host, name.strip("[]")):
            return True
    return False


def _within(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
