"""What is wrong between the spaces of one daemon, and between a space's limits and its machines."""

from __future__ import annotations

from collections.abc import Mapping

from vcycle.core.config.findings import Findings
from vcycle.core.config.lending import check_lending
from vcycle.core.config.model import Machinetype, Space
from vcycle.core.config.sections import Sheets
from vcycle.core.config.sheet import Layers, Sheet
from vcycle.core.config.squids import check_squids
from vcycle.core.config.uris import embed_root


def check_sizes(made: Space, sheets: Mapping[str, Sheet], findings: Findings) -> None:
    """Warn of machinetypes that a space's limits keep from ever starting, or make smaller."""
    superslot = made.processors_per_superslot
    for name, machinetype in made.machinetypes.items():
        sheet = sheets.get(name) or _of_pipe(made, machinetype)
        least = machinetype.min_processors
        limits = {
            "processors_per_superslot": superslot,
            "total_processors": made.total_processors,
            "total_mb / mb_per_processor": (
                None if made.total_mb is None else made.total_mb // made.mb_per_processor
            ),
        }
        small = {limit: most for limit, most in limits.items() if most is not None and most < least}
        for limit, most in small.items():
            findings.warning_at(
                sheet.values.get("min_processors", sheet),
                f"{sheet.header} min_processors = {least}: can never start, as {limit} is {most}",
            )
        if not small and machinetype.max_processors > superslot:
            findings.warning_at(
                sheet.values.get("max_processors", sheet),
                f"{sheet.header} max_processors = {machinetype.max_processors}: machines get at"
                f" most {superslot}, as processors_per_superslot is {superslot}",
            )


def _of_pipe(space: Space, machinetype: Machinetype) -> Sheet:
    """Where a machinetype stands of which nothing is said here."""
    pipe = space.pipes[machinetype.directory]
    suffix = machinetype.name[len(pipe.name) + 1 :]
    return Sheet("machinetype", f"[vacuum_pipe {pipe.name}] machinetype {suffix!r}", pipe.url, None)


def check_spaces(sheets: Sheets, spaces: Mapping[str, Space], findings: Findings) -> None:
    """What is wrong between the spaces of one daemon."""
    if not spaces and "vcycle_space" not in sheets.settings.values:
        findings.error_at(
            sheets.settings,
            "no space to run: set vcycle_space in [settings], or add a section [space NAME]",
        )
    layers = {
        name: Layers([sheets.spaces[name], sheets.settings, sheets.default]) for name in spaces
    }
    state_dir: str = Layers([sheets.settings, sheets.default]).get("state_dir")
    for name, space in spaces.items():
        own = sheets.machinetypes.get(name, {})
        check_sizes(space, own, findings)
        check_squids(space, own, findings)
        check_lending(space, state_dir, layers[name], sheets.spaces[name], own, findings)
    owners: dict[tuple[str, str], str] = {}
    for name, space in spaces.items():
        other = owners.setdefault((space.libvirt_uri, space.factory_name), name)
        if other != name:
            findings.error_at(
                layers[name].value("factory_name") or sheets.spaces[name],
                f"space {name}: has the factory_name {space.factory_name} on {space.libvirt_uri},"
                f" as space {other} has, so that their machines would have the same names:"
                " set another factory_name in one of them",
            )
    _check_networks(spaces, layers, sheets, findings)
    _check_embed(spaces, layers, sheets, findings)


SHARED = ("guest_network", "guest_http_port", "forward_dev")
"""What all spaces on one libvirt URI have in common: their machines are on one network."""


def _check_networks(
    spaces: Mapping[str, Space], layers: Mapping[str, Layers], sheets: Sheets, findings: Findings
) -> None:
    """Machines of all spaces on one URI have one network and one web server."""
    firsts: dict[str, Space] = {}
    for name, space in spaces.items():
        first = firsts.setdefault(space.libvirt_uri, space)
        for option in SHARED:
            mine, other = getattr(space, option), getattr(first, option)
            if mine != other:
                findings.error_at(
                    layers[name].value(option) or sheets.spaces[name],
                    f"space {name}: its {option} is {mine or 'not set'}, and that of space"
                    f" {first.name} on {space.libvirt_uri} is {other or 'not set'}: spaces on one"
                    f" libvirt_uri share a network; set {option} in [settings]",
                )


def _check_embed(
    spaces: Mapping[str, Space], layers: Mapping[str, Layers], sheets: Sheets, findings: Findings
) -> None:
    """The embedded driver is one root for each process, and shuts out all other qemu: URIs."""
    uris = {name: s.libvirt_uri for name, s in spaces.items() if s.libvirt_uri.startswith("qemu")}
    embedded = {name: root for name, uri in uris.items() if (root := embed_root(uri)) is not None}
    if not embedded:
        return
    first = next(iter(embedded))
    for name, uri in uris.items():
        if embedded.get(name) != embedded[first]:
            findings.error_at(
                layers[name].value("libvirt_uri") or sheets.spaces[name],
                f"space {name}: libvirt_uri {uri} cannot be used beside {uris[first]} of space"
                f" {first}: the embedded driver allows no other root and no other qemu URI",
            )
