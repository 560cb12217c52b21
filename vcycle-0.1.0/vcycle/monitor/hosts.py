"""Whether a browser was sent here by its user, or by a name that somebody else points at us."""

from __future__ import annotations

import ipaddress
from collections.abc import Container

LOCAL = "localhost"
LONGEST = 300


def is_ours(header: bytes | None, names: Container[str]) -> bool:
    """
    May a request with this Host header be answered?

    An address says itself where the request went. A name does so only if it is one of ours: any
    other may be a page's of somebody who points it at us to read what a browser can reach.
    """
    if header is None:
        # No browser leaves it out.
        return True
    if len(header) > LONGEST:
        return False
    try:
        host = header.decode("ascii").strip().lower()
    except UnicodeDecodeError:
        return False
    if host.startswith("["):
        host, bracket, port = host[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            return False
    else:
        host = host.rpartition(":")[0] if ":" in host else host
        host = host[:-1] if host.endswith(".") else host
        if host == LOCAL or host in names:
            return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
