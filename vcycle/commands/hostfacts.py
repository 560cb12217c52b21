"""What ``vcycle doctor`` finds on this host. Everything is read; nothing is changed or opened."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from vcycle.commands.ports import daemons, listening
from vcycle.commands.probing import SECONDS, access, daemon_account, reach
from vcycle.core.addresses import GuestNetwork
from vcycle.core.clouds import FIRMWARE, cloud_of, kept_back
from vcycle.core.config.model import Configuration
from vcycle.core.doctor import PACKAGES, Connection, HostFacts, Network, Port
from vcycle.core.network import network_plan

# Where programs are that an unprivileged user's shell may not look for.
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)
_VIRTUALIZES = re.compile(r"^flags\s*:.*\b(vmx|svm)\b", re.MULTILINE)


def look(configuration: Configuration | None, name: str) -> HostFacts:
    """Look around; ``configuration`` None stands for the defaults."""
    state_dir = "/var/lib/vcycle"
    ports = [("UDP", 995, "vacquery_port"), ("TCP", 9979, "monitor_port")]
    plans = [_Plan("qemu:///system", "169.254.0.0/16", name, 80)]
    if configuration is not None:
        settings = configuration.settings
        state_dir = settings.state_dir
        ports = [
            ("UDP", settings.vacquery_port, "vacquery_port"),
            ("TCP", settings.monitor_port, "monitor_port"),
        ]
        spaces = configuration.spaces.values()
        plans = [
            _Plan(s.libvirt_uri, s.guest_network, s.factory_name, s.guest_http_port) for s in spaces
        ] or plans
    networked = [plan for plan in plans if plan.networked]
    networks = list(dict.fromkeys(plan.network for plan in networked))
    wanted = [(*port, frozenset[str]()) for port in ports]
    for network, number in dict.fromkeys((plan.network, plan.guest_port) for plan in networked):
        hosts = frozenset([GuestNetwork.parse(network).host])
        wanted.append(("TCP", number, "guest_http_port", hosts))
    user = daemon_account()
    kvm, state = access("/dev/kvm", state_dir, user)
    rules = _told_by_ip("rule") if networks else []
    return HostFacts(
        arch=platform.machine(),
        virtualizes=_VIRTUALIZES.search(_text("/proc/cpuinfo")) is not None,
        kvm_problem=kvm,
        connections=tuple(
            Connection(uri, *reach(uri, user)) for uri in dict.fromkeys(plan.uri for plan in plans)
        ),
        names=tuple(dict.fromkeys(plan.name for plan in plans)),
        networks=tuple(Network(one, bridge_of(one), kept_back(rules, one)) for one in networks),
        addresses=tuple(addresses()),
        zeroconf=zeroconf(),
        state_dir=state_dir,
        state_problem=state,
        disk_free=_free(state_dir),
        ports=tuple(
            _port(state_dir, protocol, number, option, only)
            for protocol, number, option, only in wanted
            if number
        ),
        clock_true=clock_true(),
        commands_missing=tuple(
            name
            for name in PACKAGES
            if (networks or name == "qemu-img") and shutil.which(name, path=_PATH) is None
        ),
        cloud=cloud(),
    )


@frozen
class _Plan:
    """What one space wants of the host."""

    uri: str
    network: str
    name: str
    guest_port: int

    @property
    def networked(self) -> bool:
        """Whether machines have a network of libvirt's, and not user networking."""
        return self.uri.startswith("qemu") and self.uri.partition("?")[0].endswith("/system")


def _port(state_dir: str, protocol: str, number: int, option: str, only: frozenset[str]) -> Port:
    sockets = listening(protocol, number, only)
    return Port(
        protocol=protocol,
        number=number,
        option=option,
        taken=bool(sockets),
        ours=daemons(state_dir, sockets) if sockets else False,
    )


def bridge_of(network: str) -> str:
    """The name of our own bridge on a guest network."""
    return network_plan(network, "factory.invalid", 1).bridge


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


def clock_true() -> bool | None:
    """Whether the kernel takes its clock for right; None if it does not say."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        # Larger than struct timex on every architecture; modes, its first field, 0 only reads.
        state = libc.adjtimex(ctypes.create_string_buffer(1024))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != UNSYNCHRONISED


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
