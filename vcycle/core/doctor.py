"""What a host must have to run machines: judged from what was found on it, with a cure for each."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from attrs import frozen

from vcycle.core.clouds import LINK_LOCAL, SERVICE
from vcycle.core.veto import DISK_RESERVE

GIGABYTE = 10**9
PACKAGES = {
    "qemu-img": ("qemu-img", "qemu-utils"),
    "ip": ("iproute", "iproute2"),
    "dnsmasq": ("dnsmasq", "dnsmasq-base"),
}
"""For each program that is needed, the packages of Enterprise Linux and Debian that have it."""


@frozen(kw_only=True)
class Finding:
    """
    One thing that was looked at.

    ``good`` is None where it could not be found out, or where it is no more than advice.
    """

    what: str
    good: bool | None
    text: str
    cure: str = ""


@frozen(kw_only=True)
class Port:
    """
    A port that the daemon wants: whether anybody has it now, and whether that is vcycled, None if
    it cannot be known.
    """

    protocol: str
    number: int
    option: str
    taken: bool
    ours: bool | None


@frozen
class Connection:
    """A libvirt URI: what it says of itself, and why it says nothing, None if it does."""

    uri: str
    answer: str
    problem: str | None


@frozen
class Network:
    """
    A network of machines, and the name of our bridge on it; ``kept_back`` says whether the
    routing keeps machines from the metadata service of a cloud.
    """

    wanted: str
    bridge: str
    kept_back: bool = False


@frozen(kw_only=True)
class HostFacts:
    """
    What was found on a host, for the daemon's user. ``kvm_problem`` is why /dev/kvm cannot be
    opened, None if it can, and ``state_problem`` why the state directory cannot be written.
    ``networks`` are none where machines have user networking.
    ``addresses`` are networks of the host's interfaces and routes, with their interface; ``cloud``
    is the cloud that this host is in, if its metadata service is link-local.
    ``disk_free`` is in bytes; ``clock_true`` says whether the kernel's clock is kept right.
    """

    arch: str
    virtualizes: bool
    kvm_problem: str | None
    connections: tuple[Connection, ...]
    names: tuple[str, ...]
    networks: tuple[Network, ...]
    addresses: tuple[tuple[str, str], ...]
    zeroconf: str | None
    state_dir: str
    state_problem: str | None
    disk_free: int | None
    ports: tuple[Port, ...]
    clock_true: bool | None
    commands_missing: tuple[str, ...] = ()
    cloud: str | None = None


def diagnose(facts: HostFacts) -> tuple[Finding, ...]:
    """Everything that was looked at, in the order of the quick start."""
    return (
        _kvm(facts),
        *map(_libvirt, facts.connections),
        _programs(facts),
        *map(_name, facts.names),
        *_networks(facts),
        _zeroconf(facts),
        _disk(facts),
        *(_port(port) for port in facts.ports),
        _clock(facts),
    )


def _kvm(facts: HostFacts) -> Finding:
    what = "KVM"
    if facts.arch in ("x86_64", "i686") and not facts.virtualizes:
        cure = (
            "switch virtualization on in the firmware, or nested virtualization where this host is"
            " a virtual machine itself; until then machines are emulated, and slow"
        )
        return Finding(
            what=what, good=False, text="the processor has neither vmx nor svm", cure=cure
        )
    if facts.kvm_problem is not None:
        cure = "modprobe kvm_intel or kvm_amd; let the group kvm open /dev/kvm, and vcycle be in it"
        return Finding(what=what, good=False, text=facts.kvm_problem, cure=cure)
    return Finding(what=what, good=True, text="the processor can, and /dev/kvm opens")


def _libvirt(found: Connection) -> Finding:
    if found.problem is None:
        return Finding(what="libvirt", good=True, text=f"{found.uri}: {found.answer}")
    cure = (
        "systemctl enable --now libvirtd, or on Enterprise Linux 9 and later virtqemud.socket"
        " virtnetworkd.socket virtnwfilterd.socket virtstoraged.socket virtlogd.socket; the user"
        " vcycle is let in by /usr/share/polkit-1/rules.d/60-vcycle.rules, others are not"
    )
    text = f"{found.uri}: {found.problem}"
    return Finding(what="libvirt", good=False, text=text, cure=cure)


def _programs(facts: HostFacts) -> Finding:
    missing = facts.commands_missing
    if missing:
        red_hat, debian = (", ".join(PACKAGES[name][which] for name in missing) for which in (0, 1))
        return Finding(
            what="programs",
            good=False,
            text=f"not there: {', '.join(missing)}",
            cure=f"install {red_hat} (Enterprise Linux) or {debian} (Debian)",
        )
    return Finding(what="programs", good=True, text=f"there: {', '.join(PACKAGES)}")


def _name(name: str) -> Finding:
    if "." in name.strip("."):
        return Finding(what="host name", good=True, text=name)
    return Finding(
        what="host name",
        good=False,
        text=f"{name!r} has no domain",
        cure="hostnamectl set-hostname factory1.example.com, or set factory_name in [settings]",
    )


_OTHER_NETWORK = "set guest_network in [settings] to another private network, such as 10.254.0.0/16"


def _networks(facts: HostFacts) -> Iterator[Finding]:
    if not facts.networks:
        yield Finding(what="guest network", good=True, text="machines have user networking")
    elif "ip" in facts.commands_missing:
        yield Finding(what="guest network", good=None, text="not known without the program ip")
    else:
        for network in facts.networks:
            yield from _network(network, facts)


def _network(network: Network, facts: HostFacts) -> Iterator[Finding]:
    wanted = ipaddress.IPv4Network(network.wanted)
    if facts.cloud is not None and SERVICE in wanted:
        yield Finding(
            what="guest network",
            good=False,
            text=f"{network.wanted} is of {facts.cloud}, the cloud that this host is in",
            cure=_OTHER_NETWORK,
        )
        return
    others = [
        f"{address} on {interface}"
        for address, interface in facts.addresses
        if interface != network.bridge and _overlaps(address, wanted)
    ]
    if others:
        yield Finding(
            what="guest network",
            good=False,
            text=f"{network.wanted} is used: {', '.join(others[:5])}",
            cure=f"take it off that interface, or, where it is a cloud's own, {_OTHER_NETWORK}",
        )
        return
    text = f"{network.wanted} is free for machines"
    yield Finding(what="guest network", good=True, text=text)
    if SERVICE not in wanted:
        yield from _metadata(network, facts)


def _metadata(network: Network, facts: HostFacts) -> Iterator[Finding]:
    """Machines whose traffic leaves through this host are this host, to its cloud."""
    routed = any(address.partition("/")[0] == str(SERVICE) for address, _ in facts.addresses)
    if facts.cloud is None and not routed:
        return
    cloud = f"the metadata service of {facts.cloud or 'the cloud that this host is in'}"
    if network.kept_back:
        yield Finding(what="metadata", good=True, text=f"machines cannot reach {cloud}")
        return
    yield Finding(
        what="metadata",
        good=False,
        text=f"machines can reach {cloud}, and what it tells this host",
        cure=f"at each boot: ip rule add from {network.wanted} to {LINK_LOCAL} prohibit",
    )


def _overlaps(address: str, wanted: ipaddress.IPv4Network) -> bool:
    try:
        network = ipaddress.IPv4Network(address, strict=False)
    except ValueError:
        return False
    return network.prefixlen > 0 and network.overlaps(wanted)


def _zeroconf(facts: HostFacts) -> Finding:
    if facts.zeroconf is None:
        return Finding(what="Zeroconf", good=True, text="nothing gives out link-local addresses")
    return Finding(
        what="Zeroconf",
        good=False,
        text=facts.zeroconf,
        cure="NOZEROCONF=yes in /etc/sysconfig/network (Enterprise Linux with network scripts), or"
        " remove the package avahi-autoipd",
    )


def _disk(facts: HostFacts) -> Finding:
    if facts.disk_free is None:
        return Finding(
            what="disk",
            good=None,
            text=f"{facts.state_dir} is not there yet",
            cure="it is made when the package is installed, or by systemd-tmpfiles --create",
        )
    if facts.state_problem is not None:
        return Finding(
            what="disk",
            good=False,
            text=facts.state_problem,
            cure=f"let the daemon's user have it: chown vcycle: {facts.state_dir}, or as root"
            " systemctl restart vcycled, which does so for /var/lib/vcycle",
        )
    text = f"{facts.disk_free / GIGABYTE:.1f} GB are free below {facts.state_dir}"
    if facts.disk_free < DISK_RESERVE:
        return Finding(what="disk", good=False, text=text, cure="make room: nothing starts before")
    return Finding(what="disk", good=True, text=text)


def _port(port: Port) -> Finding:
    what = f"{port.protocol} port {port.number}"
    if port.taken and port.ours is None:
        text = "something listens there; only root can see whether that is vcycled"
        return Finding(what=what, good=None, text=text, cure="run vcycle doctor as root")
    if port.taken and not port.ours:
        cure = (
            f"stop what listens there (ss -lnp | grep :{port.number}), or have it listen on other"
            f" addresses, or set another {port.option} in [settings]"
        )
        return Finding(what=what, good=False, text="something else listens there", cure=cure)
    return Finding(what=what, good=True, text="vcycled listens" if port.taken else "free")


def _clock(facts: HostFacts) -> Finding:
    if facts.clock_true is None:
        return Finding(what="clock", good=None, text="it is not known whether anything keeps it")
    if facts.clock_true:
        return Finding(what="clock", good=True, text="kept right")
    return Finding(
        what="clock",
        good=False,
        text="nothing keeps it right",
        cure="systemctl enable --now chronyd (Enterprise Linux) or systemd-timesyncd (Debian)",
    )
