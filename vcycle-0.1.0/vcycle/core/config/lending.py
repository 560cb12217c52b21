"""What is wrong with what machines are lent: volumes, and directories of the host's."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from vcycle.core.config.findings import Findings
from vcycle.core.config.model import Space
from vcycle.core.config.sheet import Layers, Sheet
from vcycle.core.config.uris import embed_root, has_network


def check_lending(
    made: Space,
    state_dir: str,
    layers: Layers,
    at: Sheet,
    sheets: Mapping[str, Sheet],
    findings: Findings,
) -> None:
    """``at`` is the space's own section, ``sheets`` are those of its machinetypes by name."""
    what = f"space {made.name}"
    if made.volume_group is not None and embed_root(made.libvirt_uri) is not None:
        findings.error_at(
            layers.value("volume_group") or at,
            f"{what}: volume_group needs storage pools, which libvirt's embedded driver has not",
        )
    shares = False
    for name, machinetype in made.machinetypes.items():
        sheet = sheets.get(name)
        for _, path, _ in machinetype.shared_dirs:
            shares = True
            problem = _exposed(path, state_dir)
            if problem is not None:
                place = None if sheet is None else sheet.values.get("shared_dirs")
                findings.error_at(place or sheet or at, f"machinetype {name}: {path} {problem}")
    if made.sharing == "nfs" and shares and not _exports(made.libvirt_uri):
        findings.error_at(
            layers.value("sharing") or at,
            f"{what}: sharing = nfs needs machines of this host with addresses of their own:"
            f" libvirt_uri = qemu:///system, not {made.libvirt_uri}",
        )


def _exposed(path: str, state_dir: str) -> str | None:
    """Why a directory must not be shared: other machines' files are in it."""
    shared, state = posixpath.normpath(path), posixpath.normpath(state_dir)
    if shared.startswith("//"):
        shared = shared[1:]
    if shared == "/" or state == shared or state.startswith(f"{shared}/"):
        return f"holds the state directory, {state_dir}, with the secrets of all machines"
    if shared.startswith(f"{state}/"):
        return f"is within the state directory, {state_dir}, with the secrets of all machines"
    return None


def _exports(uri: str) -> bool:
    return uri.startswith("test:") or (has_network(uri) and ":///" in uri)
