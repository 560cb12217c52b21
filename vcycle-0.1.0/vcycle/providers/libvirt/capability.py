"""What a hypervisor can do, and whether its KVM really works."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import libvirt
from attrs import frozen

from vcycle.core.domain import Platform
from vcycle.core.machine import Capacity

_MODES = {"kvm": "host-passthrough", "qemu": "maximum", "test": None}
_VIRTUALIZES = re.compile(r"^flags\s*:.*\b(vmx|svm)\b", re.MULTILINE)
_KVM_DOMAIN = re.compile(r"<domain type=['\"]kvm['\"]")


@frozen(kw_only=True)
class Capability:
    """A platform, what there is of it in all, and ``reason``: why machines run as they do."""

    platform: Platform
    capacity: Capacity
    reason: str


def capability(connection: libvirt.virConnect, uri: str, network: str | None) -> Capability:
    """
    Ask a hypervisor what it is; in libvirt's threads.

    :raises libvirt.libvirtError: no answer.
    """
    arch, memory, processors = connection.getInfo()[:3]
    if is_test(uri):
        kind, reason = "test", "libvirt's test driver: machines only seem to be"
    elif is_local(uri):
        kind, reason = acceleration(arch, _read("/proc/cpuinfo"), kvm_problem("/dev/kvm"))
    elif _KVM_DOMAIN.search(connection.getCapabilities()):
        kind, reason = "kvm", "KVM, as the remote libvirt says"
    else:
        kind, reason = "qemu", "emulation: the remote libvirt offers no KVM"
    platform = Platform(
        domain_type=kind,
        arch=None if kind == "test" else arch,
        network=network,
        cpu_mode=_MODES[kind],
    )
    capacity = Capacity(processors=processors, memory_mb=memory)
    return Capability(platform=platform, capacity=capacity, reason=reason)


def acceleration(arch: str, cpuinfo: str, problem: str | None) -> tuple[str, str]:
    """
    The domain type, and why.

    The device alone proves nothing: where the processor lacks vmx and svm a machine starts
    under KVM, and dies in its kernel's first seconds.
    """
    if problem is not None:
        return "qemu", f"emulation, which is slow: {problem}"
    if arch in ("x86_64", "i686") and not _VIRTUALIZES.search(cpuinfo):
        return "qemu", "emulation, which is slow: the processor has neither vmx nor svm"
    return "kvm", "KVM: the processor can, and its device opens"


def kvm_problem(device: str) -> str | None:
    """Why the KVM device cannot be opened for reading and writing; None if it can."""
    try:
        os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return f"{device}: {error.strerror}"
    return None


def is_local(uri: str) -> bool:
    """Whether a URI names a driver or daemon of this host."""
    return not urlsplit(uri).netloc


def is_test(uri: str) -> bool:
    """Whether a URI names libvirt's test driver."""
    return urlsplit(uri).scheme.partition("+")[0] == "test"


def has_networks(uri: str) -> bool:
    """Whether a URI's driver offers filtered networks: only a privileged daemon does."""
    parts = urlsplit(uri)
    return parts.scheme.partition("+")[0] == "qemu" and parts.path == "/system"


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
