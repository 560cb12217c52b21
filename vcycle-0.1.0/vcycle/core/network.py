"""The libvirt network of a host's machines: a plan, its XML, and the plan in a network's XML."""

from __future__ import annotations

from xml.etree import ElementTree

from attrs import frozen

from vcycle.core.addresses import GuestNetwork, mac, slot_name
from vcycle.core.mark import fit

DNSMASQ = "http://libvirt.org/schemas/network/dnsmasq/1.0"
MAX_LENGTH = 1 << 24

SPARE_SLOTS = 256

# Linux allows 15 characters to the name of an interface.
_BRIDGE = "vcbr-{:x}"

ElementTree.register_namespace("dnsmasq", DNSMASQ)


@frozen(kw_only=True)
class Lease:
    """One fixed lease; ``mac`` in lower case."""

    mac: str
    ip: str
    name: str


@frozen(kw_only=True)
class NetworkPlan:
    """What a network has to be like. ``forward_dev`` None forwards through every interface."""

    name: str
    bridge: str
    host: str
    netmask: str
    leases: frozenset[Lease]
    forward_dev: str | None = None

    def serves(self, wanted: NetworkPlan) -> bool:
        """Whether machines for which ``wanted`` is needed get all of it here."""
        return self.leases >= wanted.leases and self.like(wanted)

    def like(self, other: NetworkPlan) -> bool:
        """Whether they differ in leases at most."""
        return self._frame == other._frame

    @property
    def _frame(self) -> tuple[str | None, ...]:
        return (self.name, self.bridge, self.host, self.netmask, self.forward_dev)


def network_plan(
    guest_network: str, factory_name: str, slots: int, forward_dev: str | None = None
) -> NetworkPlan:
    """
    The network for so many slots, its name and bridge made from the network's address.

    It has SPARE_SLOTS leases or more where they fit in: a lease more costs nothing now,
    and half a second when it is added while machines use the network.

    :raises ValueError: the network is not one, or has no room for the slots.
    """
    network = GuestNetwork.parse(guest_network)
    count = max(slots, min(SPARE_SLOTS, network.slots))
    addresses = [network.address(slot) for slot in range(count)]
    return NetworkPlan(
        name=f"vcycle_{network.network.network_address}",
        bridge=_BRIDGE.format(int(network.network.network_address)),
        host=network.host,
        netmask=network.netmask,
        leases=frozenset(
            Lease(mac=mac(ip).lower(), ip=ip, name=slot_name(factory_name, slot))
            for slot, ip in enumerate(addresses)
        ),
        forward_dev=forward_dev,
    )


def network_xml(plan: NetworkPlan) -> str:
    """
    The plan as libvirt's network XML: NAT, and a lease for each known machine, none for others.

    :raises ValueError: a name in it is unfit for XML.
    """
    root = ElementTree.Element("network")
    ElementTree.SubElement(root, "name").text = fit(plan.name, "network name")
    forward = ElementTree.SubElement(root, "forward", mode="nat")
    if plan.forward_dev is not None:
        forward.set("dev", fit(plan.forward_dev, "forward_dev"))
    ElementTree.SubElement(root, "bridge", name=plan.bridge, stp="off", delay="0")
    ip = ElementTree.SubElement(root, "ip", address=plan.host, netmask=plan.netmask)
    dhcp = ElementTree.SubElement(ip, "dhcp")
    for lease in sorted(plan.leases, key=lambda lease: lease.mac):
        name = fit(lease.name, "machine name")
        ElementTree.SubElement(dhcp, "host", mac=lease.mac, ip=lease.ip, name=name)
    # With fixed leases there is nothing to find out by the check that costs a guest seconds.
    options = ElementTree.SubElement(root, f"{{{DNSMASQ}}}options")
    ElementTree.SubElement(options, f"{{{DNSMASQ}}}option", value="no-ping")
    return ElementTree.tostring(root, encoding="unicode")


def read_network(xml: str) -> NetworkPlan:
    """
    What a network is like, by its XML.

    :raises ValueError: this is not the XML of a network.
    """
    if len(xml) > MAX_LENGTH or "<!" in xml:
        raise ValueError("a network's XML that is too long, or holds declarations")
    try:
        root = ElementTree.fromstring(xml)  # noqa: S314 - bounded, and without declarations
    except ElementTree.ParseError as error:
        raise ValueError(f"a network's XML is not well-formed: {error}") from error

    def attribute(path: str, name: str) -> str | None:
        found = root.find(path)
        return None if found is None else found.get(name)

    leases = root.findall("ip/dhcp/host")
    return NetworkPlan(
        name=root.findtext("name", ""),
        bridge=attribute("bridge", "name") or "",
        host=attribute("ip", "address") or "",
        netmask=attribute("ip", "netmask") or "",
        leases=frozenset(
            Lease(mac=h.get("mac", "").lower(), ip=h.get("ip", ""), name=h.get("name", ""))
            for h in leases
        ),
        forward_dev=attribute("forward", "dev"),
    )
