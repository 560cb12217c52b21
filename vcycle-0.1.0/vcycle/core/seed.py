"""The CD-ROMs from which cloud-init takes what the metadata service would tell: their files."""

from __future__ import annotations

import json

from vcycle.core.machine import Seed
from vcycle.core.metadata import Facts, config_drive, described, network_config

NOCLOUD, CONFIGDRIVE = "nocloud", "configdrive"
NOCLOUD_LABEL, CONFIGDRIVE_LABEL = "cidata", "config-2"


def seed_for(ways: tuple[str, ...], facts: Facts) -> Seed | None:
    """The CD-ROM for one of the ways of delivery, or None if none of them is a CD-ROM."""
    if NOCLOUD in ways:
        return nocloud(facts)
    return configdrive(facts) if CONFIGDRIVE in ways else None


def nocloud(facts: Facts) -> Seed:
    """A volume of cloud-init's NoCloud source."""
    files = {
        "meta-data": json.dumps(described(facts)).encode(),
        "user-data": facts.user_data or b"",
        "vendor-data": b"",
    }
    network = network_config(facts.record)
    if network is not None:
        files["network-config"] = json.dumps(network).encode()
    return Seed(label=NOCLOUD_LABEL, files=tuple(sorted(files.items())))


def configdrive(facts: Facts) -> Seed:
    """A volume of OpenStack's kind, with what readers of EC2's kind look for beside it."""
    return Seed(label=CONFIGDRIVE_LABEL, files=tuple(sorted(config_drive(facts).items())))
