"""The machines' network on a hypervisor; to be called in libvirt's threads."""

from __future__ import annotations

from xml.etree import ElementTree

import libvirt

from vcycle.core.network import Lease, NetworkPlan, network_xml, read_network
from vcycle.providers.libvirt.failures import NoNetwork, code, text

# Each takes libvirt about half a second.
_MAX_ADDED = 50


def ensure_network(connection: libvirt.virConnect, plan: NetworkPlan, *, mend: bool = True) -> None:
    """
    Have the network there, and like its plan.

    One that differs is replaced as long as no machine uses it, unless ``mend`` is false; while
    one does, leases can be added and nothing else.

    :raises NoNetwork: it cannot be had; the text says what is in the way, and the cure.
    :raises libvirt.libvirtError: no answer.
    """
    network = _find(connection, plan.name)
    if network is not None and _suits(network, plan):
        return
    if network is not None and not mend:
        cure = f"remove it (virsh net-destroy {plan.name}), or set fix_networking = true"
        raise NoNetwork(f"network {plan.name} differs from what is configured; {cure}")
    if network is not None:
        _remove(network)
    try:
        connection.networkCreateXML(network_xml(plan))
    except libvirt.libvirtError as error:
        if not connection.isAlive():
            raise
        network = _find(connection, plan.name)
        if network is not None and _suits(network, plan):
            return  # somebody else made it meanwhile
        cure = f"see what has {plan.host} (ip addr, virsh net-list --all), or set guest_network"
        raise NoNetwork(f"cannot make network {plan.name}: {text(error)}; {cure}") from None


def _find(connection: libvirt.virConnect, name: str) -> libvirt.virNetwork | None:
    try:
        return connection.networkLookupByName(name)
    except libvirt.libvirtError as error:
        if code(error) != libvirt.VIR_ERR_NO_NETWORK:
            raise
        return None


def _remove(network: libvirt.virNetwork) -> None:
    persistent = network.isPersistent()
    if network.isActive():
        network.destroy()
    if persistent:
        network.undefine()


def _suits(network: libvirt.virNetwork, plan: NetworkPlan) -> bool:
    """Whether the network serves, after what little can be changed in use; False: replace it."""
    try:
        live = read_network(network.XMLDesc(0))
    except ValueError as error:
        raise NoNetwork(f"network {plan.name}: {error}") from error
    if not network.isActive():
        if live.serves(plan):
            network.create()
            return True
        return False
    if live.serves(plan):
        return True
    if not _in_use(network):
        return False
    # A name in a lease is a courtesy; a lease of another's address would be a fault.
    pairs = {(lease.mac, lease.ip) for lease in live.leases}
    missing = [lease for lease in plan.leases if (lease.mac, lease.ip) not in pairs]
    taken = {text for pair in pairs for text in pair}
    clash = any(lease.mac in taken or lease.ip in taken for lease in missing)
    if not live.like(plan) or clash or len(missing) > _MAX_ADDED:
        cure = "drain the space, or give it another guest_network"
        raise NoNetwork(f"network {plan.name}, in use, is not as configured; {cure}")
    for lease in sorted(missing, key=lambda lease: lease.mac):
        _add(network, lease)
    return True


def _in_use(network: libvirt.virNetwork) -> bool:
    try:
        return bool(network.listAllPorts(0))
    except libvirt.libvirtError as error:
        if code(error) != libvirt.VIR_ERR_NO_SUPPORT:
            raise
    # Drivers without ports have few domains.
    source = f"<source network='{network.name()}'"
    return any(source in domain.XMLDesc(0) for domain in network.connect().listAllDomains())


def _add(network: libvirt.virNetwork, lease: Lease) -> None:
    element = ElementTree.Element("host", mac=lease.mac, ip=lease.ip, name=lease.name)
    network.update(
        libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST,
        libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST,
        -1,
        ElementTree.tostring(element, encoding="unicode"),
        libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE,
    )
