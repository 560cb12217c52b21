"""What a libvirt URI says of the machines behind it, and whether it can be used."""

from __future__ import annotations

from urllib.parse import parse_qs

from vcycle.core.config.findings import Findings
from vcycle.core.config.syntax import Value, shown

MAX_EMBED_ROOT = 50
"""Longest root of libvirt's embedded driver: its sockets' paths are made from it."""


def has_network(uri: str) -> bool:
    """Whether machines there are on a network of libvirt's; else they have user networking."""
    driver, _, path = uri.partition("?")[0].partition("://")
    return driver.startswith("qemu") and not path.endswith(("/session", "/embed", "/embed/"))


def embed_root(uri: str) -> str | None:
    """The root of an embedded driver, "" if it has none; None for another URI."""
    path, _, query = uri.partition("?")
    if not path.startswith("qemu") or not path.endswith((":///embed", ":///embed/")):
        return None
    return parse_qs(query).get("root", [""])[0]


def check_embed_root(value: Value | None, findings: Findings) -> None:
    root = None if value is None else embed_root(value.text)
    if value is None or root is None:
        return
    quoted = f"{value.header} libvirt_uri = {shown(value.text, 120)}"
    if not root.startswith("/"):
        findings.error_at(
            value, f"{quoted}: needs an absolute path as root, qemu:///embed?root=/run/vcycle"
        )
    elif len(root) > MAX_EMBED_ROOT:
        findings.error_at(
            value, f"{quoted}: the root has {len(root)} characters; at most {MAX_EMBED_ROOT} work"
        )
