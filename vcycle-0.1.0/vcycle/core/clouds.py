"""Hosts that are a cloud's machines themselves: their metadata service, and who can reach it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network

SERVICE = IPv4Address("169.254.169.254")
LINK_LOCAL = "169.254.0.0/16"

_BY_ID = {
    "aws": "Amazon EC2",
    "azure": "Azure",
    "digitalocean": "DigitalOcean",
    "exoscale": "Exoscale",
    "gce": "Google Compute Engine",
    "hetzner": "Hetzner",
    "openstack": "OpenStack",
    "oracle": "Oracle Cloud",
    "scaleway": "Scaleway",
    "upcloud": "UpCloud",
    "vultr": "Vultr",
}
# What the firmware says there: the field, how its text begins, and the cloud.
_BY_FIRMWARE = (
    ("sys_vendor", "Amazon EC2", "aws"),
    ("bios_vendor", "Amazon EC2", "aws"),
    ("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77", "azure"),
    ("sys_vendor", "DigitalOcean", "digitalocean"),
    ("product_name", "Exoscale", "exoscale"),
    ("product_name", "Google Compute Engine", "gce"),
    ("sys_vendor", "Hetzner", "hetzner"),
    ("product_name", "OpenStack", "openstack"),
    ("sys_vendor", "OpenStack Foundation", "openstack"),
    ("chassis_asset_tag", "OpenTelekomCloud", "openstack"),
    ("chassis_asset_tag", "OracleCloud.com", "oracle"),
    ("sys_vendor", "Scaleway", "scaleway"),
    ("sys_vendor", "UpCloud", "upcloud"),
    ("sys_vendor", "Vultr", "vultr"),
)
FIRMWARE = tuple(dict.fromkeys(field for field, _, _ in _BY_FIRMWARE))
"""The fields of the firmware that tell."""

_KEPT_BACK = ("prohibit", "unreachable", "blackhole")


def cloud_of(identity: str, firmware: Mapping[str, str]) -> str | None:
    """
    The cloud with a link-local metadata service that a host is in, as cloud-init found it
    (``identity``, "" if it did not run) or as the firmware's fields say; None if it is in none.
    """
    if identity in _BY_ID:
        return _BY_ID[identity]
    for field, beginning, name in _BY_FIRMWARE:
        if firmware.get(field, "").startswith(beginning):
            return _BY_ID[name]
    return None


def kept_back(rules: Iterable[Mapping[str, object]], network: str) -> bool:
    """
    Whether routing rules, as ``ip -j rule`` lists them, keep a network's machines from the
    metadata service of their host.
    """
    machines = IPv4Network(network)
    return any(
        rule.get("action") in _KEPT_BACK
        and _holds(rule, "src", machines)
        and _holds(rule, "dst", IPv4Network(SERVICE))
        for rule in rules
    )


def _holds(rule: Mapping[str, object], side: str, network: IPv4Network) -> bool:
    text = rule.get(side, "all")
    if text == "all":
        return True
    try:
        return network.subnet_of(IPv4Network(f"{text}/{rule.get(f'{side}len', 32)}"))
    except ValueError:
        return False
