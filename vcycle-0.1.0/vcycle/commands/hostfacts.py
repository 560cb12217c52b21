"""What ``vcycle doctor`` finds on this host. Everything is read; nothing is changed or opened."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from vcycle.core.addresses import GuestNetwork
from vcycle.core.clouds import FIRMWARE, cloud_of, kept_back
from vcycle.core.config.model import Configuration
from vcycle.core.doctor import PACKAGES, HostFacts, Port
from vcycle.core.network import network_plan
from vcycle.daemon.instants import wall

SECONDS = 15.0
FRESH = 600.0
# Where programs are that an unprivileged user's shell may not look for.
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)
_VIRTUALIZES = re.compile(r"^flags\s*:.*\b(vmx|svm)\b", re.MULTILINE)


def look(configuration: Configuration | None, name: str) -> HostFacts:
    """Look around; ``configuration`` None stands for the defaults."""
    state_dir, uri, network = "/var/lib/vcycle", "qemu:///system", "169.254.0.0/16"
    ports = [("UDP", 995, "vacquery_port"), ("TCP", 9979, "monitor_port")]
    guest_port = 80
    if configuration is not None:
        settings = configuration.settings
        state_dir = settings.state_dir
        ports = [
            ("UDP", settings.vacquery_port, "vacquery_port"),
            ("TCP", settings.monitor_port, "monitor_port"),
        ]
        space = next(iter(configuration.spaces.values()), None)
        if space is not None:
            uri, network, name = space.libvirt_uri, space.guest_network, space.factory_name
            guest_port = space.guest_http_port
    answer, problem = reach(uri)
    ours = _beats(state_dir)
    networked = uri.startswith("qemu") and uri.partition("?")[0].endswith("/system")
    wanted = [(*port, frozenset[str]()) for port in ports]
    if networked:
        hosts = frozenset([GuestNetwork.parse(network).host])
        wanted.append(("TCP", guest_port, "guest_http_port", hosts))
    return HostFacts(
        arch=platform.machine(),
        virtualizes=_VIRTUALIZES.search(_text("/proc/cpuinfo")) is not None,
        kvm_problem=kvm_problem("/dev/kvm"),
        uri=uri,
        libvirt=answer,
        libvirt_problem=problem,
        name=name,
        guest_network=network if networked else None,
        bridge=bridge_of(network) if networked else "",
        addresses=tuple(addresses()),
        zeroconf=zeroconf(),
        state_dir=state_dir,
        disk_free=_free(state_dir),
        ports=tuple(
            Port(
                protocol=protocol,
                number=number,
                option=option,
                taken=listens(protocol, number, only),
                ours=ours,
            )
            for protocol, number, option, only in wanted
            if number
        ),
        clock_true=clock_true(),
        commands_missing=tuple(
            name
            for name in PACKAGES
            if (networked or name == "qemu-img") and shutil.which(name, path=_PATH) is None
        ),
        cloud=cloud(),
        kept_back=networked and kept_back(_told_by_ip("rule"), network),
    )


def bridge_of(network: str) -> str:
    """The name of our own bridge on a guest network."""
    return network_plan(network, "factory.invalid", 1).bridge


def reach(uri: str) -> tuple[str, str | None]:
    """What libvirt says of itself, and why it says nothing; an attempt may hang, and is ended."""
    command = [sys.executable, "-m", "vcycle.providers.libvirt.reach", uri]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(  # noqa: S603 (a list of arguments, and no shell)
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return "", f"no answer within {SECONDS:.0f} s"
    said = " ".join((done.stdout or done.stderr).split())[-500:]
    return (said, None) if done.returncode == 0 else ("", said or "it cannot be asked")


def kvm_problem(device: str) -> str | None:
    """Why the KVM device cannot be opened for reading and writing; None if it can."""
    try:
        os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return f"{device}: {error.strerror}"
    return None


def addresses() -> Iterator[tuple[str, str]]:
    """IPv4 networks that this host has addresses in, or routes to, with their interfaces."""
    for what in ("addr", "route"):
        for entry in _told_by_ip(what):
            if what == "addr":
                for one in entry.get("addr_info", ()):
                    yield f"{one.get('local')}/{one.get('prefixlen')}", str(entry.get("ifname"))
            elif entry.get("dst") != "default":
                yield str(entry.get("dst")), str(entry.get("dev"))


def _told_by_ip(what: str) -> list[Any]:
    try:
        done = subprocess.run(  # noqa: S603 (a list of arguments, and no shell)
            ["ip", "-4", "-j", what],  # noqa: S607 (an administrator's own PATH)
            env={**os.environ, "PATH": _PATH},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
        )
        found = json.loads(done.stdout or b"[]")
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return []
    return found if isinstance(found, list) else []


def cloud() -> str | None:
    """The cloud that this host is a machine of, if its metadata service is link-local."""
    identity = _text("/run/cloud-init/cloud-id").strip()
    firmware = {field: _text(f"/sys/class/dmi/id/{field}").strip() for field in FIRMWARE}
    return cloud_of(identity, firmware)


def zeroconf() -> str | None:
    """What gives out link-local addresses by itself, or None."""
    # The directory is there without them, too; the script is what adds the route.
    if os.path.exists("/etc/sysconfig/network-scripts/ifup-eth"):
        settings = _text("/etc/sysconfig/network")
        if not re.search(r"^\s*NOZEROCONF\s*=\s*[\"']?yes", settings, re.MULTILINE):
            return "/etc/sysconfig/network does not say NOZEROCONF=yes"
    if os.path.exists("/etc/network/if-up.d/avahi-autoipd"):
        return "avahi-autoipd gives every interface a link-local route"
    for path in Path("/proc").glob("[0-9]*/comm"):
        if _text(str(path)).startswith("avahi-autoipd"):
            return "avahi-autoipd runs"
    return None


def listens(protocol: str, number: int, only: frozenset[str] = frozenset()) -> bool:
    """
    Whether anything on this host has a port: on whatever address, or on all of them together and
    those of ``only`` (IPv4).
    """
    wanted = f":{number:04X}"
    # The kernel writes an address as one number, in the order of this host's bytes.
    places = {f"{int.from_bytes(IPv4Address(one).packed, sys.byteorder):08X}" for one in only}
    for family in ("", "6"):
        for line in _text(f"/proc/net/{protocol.lower()}{family}").splitlines()[1:]:
            words = line.split()
            # 0A is LISTEN; UDP sockets that anybody may send to are 07.
            if len(words) > 3 and words[1].endswith(wanted) and words[3] in ("0A", "07"):
                place = words[1].partition(":")[0]
                if not only or not place.strip("0") or place in places:
                    return True
    return False


def clock_true() -> bool | None:
    """Whether the kernel takes its clock for right; None if it does not say."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        # Larger than struct timex on every architecture; modes, its first field, 0 only reads.
        state = libc.adjtimex(ctypes.create_string_buffer(1024))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != UNSYNCHRONISED


def _beats(state_dir: str) -> bool:
    try:
        return wall() - os.stat(f"{state_dir}/status.json").st_mtime < FRESH
    except OSError:
        return False


def _free(path: str) -> int | None:
    try:
        room = os.statvfs(path)
    except OSError:
        return None
    return room.f_bavail * room.f_frsize


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
