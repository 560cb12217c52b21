"""Which addresses somebody else's document may name."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote, urlsplit

from vcycle.core.config.values import HOST

MAX_URL = 1000
_DECODINGS = 4
"""A server, or a proxy before it, may decode more than once."""

_FORM = re.compile(r"https?://([A-Za-z0-9._~:/?\[\]!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+", re.ASCII)


def check_url(text: str) -> None:
    """
    Raise ValueError, which says why, unless this is an ordinary http or https address.

    It may not lead anywhere by ``..``, however encoded, nor to this host or its own link: other
    services answer there, and not for everybody.
    """
    if len(text) > MAX_URL:
        raise ValueError(f"an address of {len(text)} characters; at most {MAX_URL} are good")
    if _FORM.fullmatch(text) is None:
        raise ValueError("no address in the form https://HOST/PATH")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError("no address in the form https://HOST/PATH") from error
    if port == 0:
        raise ValueError("there is no port 0")
    _check_host(host, "[" in parts.netloc)
    path = parts.path
    for _ in range(_DECODINGS):
        if any(segment in (".", "..") for segment in re.split(r"[/\\]", path)):
            raise ValueError("its path has '.' or '..' in it")
        path = unquote(path)
    if not path.isprintable():
        raise ValueError("its path has characters in it that cannot be printed")


def _check_host(host: str, bracketed: bool) -> None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError as error:
        # What ends in a number is read as an IPv4 address in one of its many old forms.
        last = host.rstrip(".").rpartition(".")[2]
        numeric = re.fullmatch(r"\d+|0x[0-9a-f]*", last, re.ASCII) is not None
        if bracketed or numeric or re.fullmatch(HOST, host, re.ASCII) is None:
            raise ValueError("no good host name in it") from error
        if last in ("localhost", "localdomain"):
            raise ValueError("this host is no good server for others") from error
        return
    mapped = getattr(address, "ipv4_mapped", None) or address
    if any((mapped.is_loopback, mapped.is_link_local, mapped.is_multicast, mapped.is_unspecified)):
        raise ValueError(f"{address} is no good server for others")
