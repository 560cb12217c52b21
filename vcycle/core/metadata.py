"""The metadata documents of a machine, for the EC2, OpenStack and NoCloud sources of cloud-init."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from attrs import field, frozen

from vcycle.core.machine import Record

EC2_VERSIONS = ("1.0", "2009-04-04", "latest")
HEARTBEATS = "heartbeatlists"
OPENSTACK_VERSIONS = ("2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "latest")
_VERSION = re.compile(r"latest|1\.0|[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_USER_DATA = ("user-data", "user_data")
_JSON_NAMES = ("meta-data.json", "meta_data.json")


@frozen(kw_only=True)
class Places:
    """The addresses at which a machine finds its features and its like, and leaves its outputs."""

    machinefeatures: str
    jobfeatures: str
    joboutputs: str
    heartbeats: str

    @classmethod
    def below(cls, base: str) -> Places:
        """All below one address, given without a slash at its end."""
        return cls(
            machinefeatures=f"{base}/machinefeatures",
            jobfeatures=f"{base}/jobfeatures",
            joboutputs=f"{base}/joboutputs",
            heartbeats=f"{base}/{HEARTBEATS}",
        )


@frozen(kw_only=True)
class Facts:
    """
    What the documents tell a machine of itself; ``public_key`` is a file's text as it is.

    ``user_data`` is needed only for paths of which ``wants_user_data`` says so.
    """

    record: Record
    places: Places
    public_key: str | None = None
    user_data: bytes | None = field(default=None, repr=False)


def wants_user_data(path: Sequence[str]) -> bool:
    """Whether the answer to a path is the machine's user_data."""
    rest = _without_version(_without_openstack(path))
    return len(rest) == 1 and rest[0] in _USER_DATA


def document(path: Sequence[str], facts: Facts) -> bytes | None:
    """
    The body for a path, given as its parts ("" last for a slash at the end), or None.

    Below a version are the documents of EC2, below ``openstack`` and a version those of
    OpenStack; directly at the root those of cloud-init's NoCloud source, so that the root's
    own address can be given to it as a seed.
    """
    if wants_user_data(path):
        return facts.user_data
    parts = [part for part in path if part]
    if not parts:
        return _lines((*EC2_VERSIONS, "openstack/"))
    if parts[0] == "openstack":
        return _openstack(parts[1:], facts)
    if _VERSION.fullmatch(parts[0]):
        return _ec2(parts[1:], facts)
    return _seed(parts, facts)


def _openstack(parts: Sequence[str], facts: Facts) -> bytes | None:
    if not parts:
        return _lines(OPENSTACK_VERSIONS)
    if not _VERSION.fullmatch(parts[0]):
        return None
    rest = parts[1:]
    if not rest:
        return _lines(("meta_data.json", "network_data.json", "user_data", "vendor_data.json"))
    if rest[0] == "meta-data":
        return _tree(rest[1:], facts)
    if len(rest) > 1:
        return None
    if rest[0] in _JSON_NAMES:
        return _meta_data(facts)
    if rest[0] == "vendor_data.json":
        return b"{}"
    if rest[0] == "network_data.json":
        return _network_data(facts)
    return None


def _ec2(parts: Sequence[str], facts: Facts) -> bytes | None:
    if not parts:
        return _lines(("meta-data/", "user-data"))
    if parts[0] == "meta-data":
        return _tree(parts[1:], facts)
    if len(parts) == 1 and parts[0] in _JSON_NAMES:
        return _meta_data(facts)
    return None


def _tree(parts: Sequence[str], facts: Facts) -> bytes | None:
    """The small files below ``meta-data/``, and their listings."""
    leaves = _leaves(facts)
    wanted = "/".join(parts)
    if wanted in leaves:
        return leaves[wanted].encode("utf-8", "surrogateescape")
    if not parts:
        # The key's whole path too: simple clients take the lines of the listing for files.
        names = {leaf.partition("/")[0] + "/" * ("/" in leaf) for leaf in leaves}
        return _lines(sorted(names | (leaves.keys() & {"public-keys/0/openssh-key"})))
    if wanted == "public-keys":
        # An index here is "number=name", which is what clients of EC2 cut it at.
        return b"" if facts.public_key is None else b"0=vcycle"
    inside = {leaf[len(wanted) + 1 :] for leaf in leaves if leaf.startswith(f"{wanted}/")}
    return _lines(sorted(inside)) if inside else None


def _leaves(facts: Facts) -> dict[str, str]:
    record = facts.record
    leaves = {
        "ami-id": record.uuid,
        "hostname": record.name,
        "instance-id": record.uuid,
        "instance-type": record.machinetype,
        "local-hostname": record.name,
        "placement/availability-zone": record.factory,
    }
    if record.address is not None:
        leaves["local-ipv4"] = record.address
    if facts.public_key is not None:
        leaves["public-keys/0/openssh-key"] = facts.public_key
    return leaves


def _nested(leaves: Mapping[str, str]) -> dict[str, object]:
    """Paths as objects within objects."""
    tree: dict[str, object] = {}
    for path, value in leaves.items():
        *above, name = path.split("/")
        branch = tree
        for part in above:
            below = branch.setdefault(part, {})
            if isinstance(below, dict):
                branch = below
        branch[name] = value
    return tree


def _own(facts: Facts) -> dict[str, str]:
    """What no other cloud tells: where features are found, and outputs are left."""
    return {
        "machinefeatures": facts.places.machinefeatures,
        "jobfeatures": facts.places.jobfeatures,
        "joboutputs": facts.places.joboutputs,
        "machinetype": facts.record.machinetype,
    }


def _meta_data(facts: Facts) -> bytes:
    record = facts.record
    meta: dict[str, object] = {"availability_zone": record.factory}
    if facts.public_key is not None:
        meta["public_keys"] = {"0": facts.public_key}
    meta["uuid"] = record.uuid
    meta["hostname"] = meta["name"] = record.name
    meta["meta"] = _own(facts)
    return _json(meta)


def _network_data(facts: Facts) -> bytes | None:
    """One interface by DHCP; None where its MAC is not known: then the image's default holds."""
    mac = facts.record.mac
    if mac is None:
        return None
    link = {"id": "eth0", "type": "phy", "ethernet_mac_address": mac.lower()}
    network = {"id": "network0", "link": "eth0", "type": "ipv4_dhcp", "network_id": "vcycle"}
    return _json({"links": [link], "networks": [network], "services": []})


def network_config(record: Record) -> dict[str, object] | None:
    """The same as a network configuration of cloud-init's own, version 2."""
    if record.mac is None:
        return None
    match = {"macaddress": record.mac.lower()}
    return {"version": 2, "ethernets": {"eth0": {"match": match, "dhcp4": True}}}


def described(facts: Facts) -> dict[str, object]:
    """What cloud-init's NoCloud source is told of the machine, and its templates can use."""
    told: dict[str, object] = {
        "instance-id": facts.record.uuid,
        "local-hostname": facts.record.name,
        **_own(facts),
    }
    if facts.public_key is not None:
        told["public-keys"] = [facts.public_key.strip()]
    return told


def config_drive(facts: Facts) -> dict[str, bytes]:
    """The files of an OpenStack configuration drive, by path; user_data only if there is one."""
    drive = {
        "openstack/latest/meta_data.json": _meta_data(facts),
        "openstack/latest/vendor_data.json": b"{}",
        "ec2/latest/meta-data.json": _json(_nested(_leaves(facts))),
    }
    network = _network_data(facts)
    if network is not None:
        drive["openstack/latest/network_data.json"] = network
    if facts.user_data is not None:
        drive["openstack/latest/user_data"] = drive["ec2/latest/user-data"] = facts.user_data
    return drive


def _seed(parts: Sequence[str], facts: Facts) -> bytes | None:
    """cloud-init's NoCloud source reads YAML, of which JSON is a part."""
    if len(parts) > 1:
        return None
    if parts[0] == "meta-data":
        return _json(described(facts))
    if parts[0] == "network-config":
        network = network_config(facts.record)
        return None if network is None else _json(network)
    return b"" if parts[0] == "vendor-data" else None


def _without_openstack(path: Sequence[str]) -> Sequence[str]:
    """OpenStack's paths without their prefix; those without a version have no documents."""
    if path[:1] and path[0] == "openstack":
        return path[1:] if len(path) > 1 and _VERSION.fullmatch(path[1]) else ()
    return path


def _without_version(path: Sequence[str]) -> Sequence[str]:
    return path[1:] if path and _VERSION.fullmatch(path[0]) else path


def _lines(names: Sequence[str]) -> bytes:
    return "\n".join(names).encode()


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
