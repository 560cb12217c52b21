"""Readers of options' values that are more than a pattern or a number: ValueError if wrong."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from vcycle.core.expressions import MAX_LENGTH, cost_problem
from vcycle.core.machine import Model

MAX_TEXT = 16_384
MAX_RECEIVERS = 16
MAX_NETWORKS = 256
MAX_SHARES = 16
SQUID_PORT = 280
DELIVERIES = ("metadata", "nocloud", "configdrive")

_LABEL = r"[0-9a-z]([0-9a-z-]{0,61}[0-9a-z])?"
HOST = rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*"
MACHINETYPE = r"[0-9a-z-]{1,64}"
_PRIVATE = [
    ipaddress.IPv4Network(network)
    for network in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
    )
]


def _machinetype(name: str) -> str:
    if re.fullmatch(MACHINETYPE, name, re.ASCII) is None:
        raise ValueError(name)
    return name


def text(value: str) -> str:
    if len(value) > MAX_TEXT:
        raise ValueError(value)
    return value


def line(text: str) -> str:
    if len(text) > 1000:
        raise ValueError(text)
    return " ".join(text.split())


def model(text: str) -> Model:
    return Model(text.lower())


def hosts(text: str) -> tuple[str, ...]:
    names = text.lower().split()
    if len(names) > 10_000 or not all(
        name == "." or re.fullmatch(HOST, name, re.ASCII) for name in names
    ):
        raise ValueError(text)
    return tuple(dict.fromkeys(names))


def receivers(text: str) -> tuple[tuple[str, int], ...]:
    found: list[tuple[str, int]] = []
    for word in text.lower().split():
        host, _, port = word.rpartition(":")
        number = int(port) if re.fullmatch(r"\d{1,5}", port, re.ASCII) else 0
        if re.fullmatch(HOST, host, re.ASCII) is None or not 0 < number <= 65535:
            raise ValueError(text)
        found.append((host, number))
    if len(found) > MAX_RECEIVERS:
        raise ValueError(text)
    return tuple(dict.fromkeys(found))


def address(text: str) -> str:
    if "%" in text:
        raise ValueError(text)
    return str(ipaddress.ip_address(text)) if text else ""


def networks(text: str) -> tuple[str, ...]:
    words = text.split()
    if len(words) > MAX_NETWORKS or "%" in text:
        raise ValueError(text)
    return tuple(dict.fromkeys(str(ipaddress.ip_network(word)) for word in words))


def network(text: str) -> str:
    network = ipaddress.IPv4Network(text)
    if network.prefixlen > 28 or not any(network.subnet_of(private) for private in _PRIVATE):
        raise ValueError(text)
    return str(network)


def reference(text: str) -> str:
    """A URL is let through here: it gets a better answer than "expected a path"."""
    parts = text.split("/")
    if len(text) > 1000 or not text.isprintable():
        raise ValueError(text)
    if "://" not in text and (".." in parts or not parts[-1]):
        raise ValueError(text)
    return text


def url(text: str) -> str:
    """Without a user's name and password, which would be told wherever the address is."""
    if re.fullmatch(r"https?://[!-~]{1,1000}", text, re.ASCII | re.IGNORECASE) is None:
        raise ValueError(text)
    parts = urlsplit(text)
    host, port = parts.hostname or "", parts.port
    if "@" in parts.netloc or port == 0 or "\\" in text or "#" in text:
        raise ValueError(text)
    if re.fullmatch(HOST, host, re.ASCII) is None:
        ipaddress.ip_address(host)
    return text


def expression(text: str) -> str:
    """Of a length and form that keep what it can cost in bounds: a pipe may have it too."""
    if not text or len(text) > MAX_LENGTH or not text.isprintable() or cost_problem(text):
        raise ValueError(text)
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(text) from error
    return text


def delivery(text: str) -> tuple[str, ...]:
    ways = tuple(dict.fromkeys(text.lower().replace(",", " ").split()))
    if not ways or not set(ways) <= set(DELIVERIES) or {"nocloud", "configdrive"} <= set(ways):
        raise ValueError(text)
    return ways


def shares(text: str) -> tuple[tuple[str, str, bool], ...]:
    found = {}
    for word in text.split():
        match = re.fullmatch(
            r"([0-9A-Za-z_-]{1,30}):(/[0-9A-Za-z._/@+-]{1,200}?)(?::(ro|rw))?", word, re.ASCII
        )
        if match is None or ".." in match[2].split("/") or match[1] in found:
            raise ValueError(text)
        found[match[1]] = (match[1], match[2], match[3] == "rw")
    if len(found) > MAX_SHARES:
        raise ValueError(text)
    return tuple(found.values())


def squids(text: str) -> tuple[str, int]:
    name, _, port = text.partition(":")
    number = int(port) if re.fullmatch(r"\d{1,5}", port, re.ASCII) else 0
    number = number if ":" in text else SQUID_PORT
    if not 0 < number <= 65535:
        raise ValueError(text)
    return _machinetype(name), number


def sharing(text: str) -> str:
    if text.lower() not in ("auto", "virtiofs", "9p", "nfs"):
        raise ValueError(text)
    return text.lower()
