"""What a hypervisor can share directories by."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

import libvirt

from vcycle.core.domain import Platform
from vcycle.core.sharing import Ways
from vcycle.providers.libvirt.capability import has_networks, is_local, is_test
from vcycle.providers.libvirt.failures import text

READONLY_VERSION = 11_000_000
"""The libvirt from which on virtiofs can keep machines from writing."""

DESCRIPTIONS = ("/etc/qemu/vhost-user", "/usr/share/qemu/vhost-user")
MAX_DESCRIPTION = 65_536
_FILESYSTEM = re.compile(r"<filesystem supported=['\"]yes['\"]>(.*?)</filesystem>", re.DOTALL)


def ways(connection: libvirt.virConnect, uri: str, platform: Platform) -> Ways:
    """
    Ask a hypervisor; in libvirt's threads.

    :raises libvirt.libvirtError: no answer.
    """
    if is_test(uri):
        return Ways(virtiofs=None, readonly=None, ninep=None)
    machine = "pc" if platform.arch == "x86_64" else None
    try:
        told = connection.getDomainCapabilities(
            None, platform.arch, machine, platform.domain_type, 0
        )
    except libvirt.libvirtError as error:
        if not connection.isAlive():
            raise
        problem = f"libvirt does not tell what it can: {text(error)}"
        return Ways(virtiofs=problem, readonly=problem, ninep=problem)
    version: int = connection.getLibVersion()
    return ways_of(told, version, virtiofs_problem(uri))


def ways_of(told: str, version: int, problem: str | None) -> Ways:
    """
    From libvirt's domain capabilities and its version number; ``problem`` is what else is in
    virtiofs's way.
    """
    match = _FILESYSTEM.search(told)
    drivers = set(re.findall(r"<value>(\w+)</value>", match[1])) if match else set()
    if "virtiofs" not in drivers:
        problem = "QEMU cannot do virtiofs"
    number = f"{version // 1_000_000}.{version // 1_000 % 1_000}.{version % 1_000}"
    readonly = problem
    if problem is None and version < READONLY_VERSION:
        readonly = (
            f"libvirt {number} cannot keep machines from writing through virtiofs, only libvirt"
            f" {READONLY_VERSION // 1_000_000} or newer can: let them write with ':rw',"
            " or set sharing = 9p or nfs"
        )
    ninep = None if "path" in drivers else "QEMU cannot do 9p"
    return Ways(virtiofs=problem, readonly=readonly, ninep=ninep)


def virtiofs_problem(uri: str, descriptions: Sequence[str] = DESCRIPTIONS) -> str | None:
    """What is in the way of virtiofs beside QEMU, or None; of another host nothing is known."""
    if not has_networks(uri):
        return "it needs libvirt's system daemon, libvirt_uri = qemu:///system"
    if is_local(uri) and not any(_serves(Path(place)) for place in descriptions):
        return "there is no virtiofsd; install qemu-system-common (Debian 12) or virtiofsd"
    return None


def _serves(place: Path) -> bool:
    """Whether a program that serves files is described there and is there itself."""
    try:
        described = [path.read_bytes()[:MAX_DESCRIPTION] for path in place.glob("*.json")]
    except OSError:
        return False
    for content in described:
        try:
            fields = json.loads(content)
            if fields["type"] == "fs" and os.access(fields["binary"], os.X_OK):
                return True
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
    return False
