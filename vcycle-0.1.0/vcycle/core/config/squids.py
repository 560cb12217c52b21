"""What can be wrong with proxies that are to be our own machines."""

from __future__ import annotations

from collections.abc import Mapping

from vcycle.core.config.findings import Findings
from vcycle.core.config.model import Space
from vcycle.core.config.sheet import Sheet
from vcycle.core.config.uris import has_network

OPTION = "cvmfs_proxy_machinetype"


def check_squids(made: Space, sheets: Mapping[str, Sheet], findings: Findings) -> None:
    """Warn of proxies that there can never be any of, though there is a machinetype for them."""
    for name, machinetype in made.machinetypes.items():
        if machinetype.cvmfs_proxy_machinetype is None or name not in sheets:
            continue
        wanted, _ = machinetype.cvmfs_proxy_machinetype
        why = _why_none(made, wanted)
        if why is not None:
            sheet = sheets[name]
            findings.warning_at(
                sheet.values.get(OPTION, sheet),
                f"{sheet.header} {OPTION} = {wanted}: has no effect: {why}",
            )


def _why_none(made: Space, wanted: str) -> str | None:
    if made.libvirt_uri.startswith("qemu") and not has_network(made.libvirt_uri):
        return f"machines on {made.libvirt_uri} have no addresses of their own"
    squid = made.machinetypes.get(wanted)
    if squid is not None and squid.heartbeat_file is None:
        return "its machines do not tell whether they live: set its heartbeat_file"
    return None
