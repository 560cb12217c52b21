"""What no option can be judged by alone: values that do not go together."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs

from vcycle.core.addresses import GuestNetwork
from vcycle.core.config.findings import Findings
from vcycle.core.config.model import Machinetype, Space
from vcycle.core.config.sections import Sheets
from vcycle.core.config.sheet import Layers, Sheet
from vcycle.core.config.syntax import Value, shown
from vcycle.core.machine import Model

MAX_EMBED_ROOT = 50
"""Longest root of libvirt's embedded driver: its sockets' paths are made from it."""


def check_machinetype(made: Machinetype, sheet: Sheet, layers: Layers, findings: Findings) -> None:
    """What is wrong within one machinetype, or cannot have been meant."""
    _check_boot(made, sheet, findings)
    check_references(sheet, findings)
    at, header = sheet, sheet.header
    if made.max_processors < made.min_processors:
        findings.error_at(
            layers.value("max_processors") or at,
            f"{header} max_processors = {made.max_processors}: less than min_processors,"
            f" {made.min_processors}",
        )
    if made.min_wallclock_seconds > made.max_wallclock_seconds:
        findings.error_at(
            layers.value("min_wallclock_seconds") or at,
            f"{header} min_wallclock_seconds = {made.min_wallclock_seconds}: more than"
            f" max_wallclock_seconds, {made.max_wallclock_seconds}",
        )
    if made.root_device == made.scratch_device:
        findings.error_at(
            layers.value("scratch_device") or layers.value("root_device") or at,
            f"{header} scratch_device = {made.scratch_device!r}: root_device has this name too",
        )
    disk, most = layers.value("disk_gb_per_processor"), made.disk_gb_per_processor
    if disk is not None and most is not None and (layers.get("disk_gb_per_processor") or 0) > most:
        findings.warning_at(
            disk,
            f"{disk.header} {disk.option} = {shown(disk.text)}: machines get {most:g}, as in"
            " [settings] or [space NAME]",
        )
    if made.heartbeat_seconds and made.heartbeat_file is None:
        findings.warning_at(
            layers.value("heartbeat_seconds") or at,
            f"{header} heartbeat_seconds: has no effect without heartbeat_file",
        )
    if made.fizzle_seconds >= made.max_wallclock_seconds:
        findings.warning_at(
            layers.value("fizzle_seconds") or layers.value("max_wallclock_seconds") or at,
            f"{header} fizzle_seconds = {made.fizzle_seconds}: not less than"
            f" max_wallclock_seconds, {made.max_wallclock_seconds}: no machine can grow older",
        )


def _check_boot(made: Machinetype, sheet: Sheet, findings: Findings) -> None:
    header, model = sheet.header, made.machine_model.value
    if made.machine_model is Model.VM_DIRECT:
        if made.kernel is None:
            findings.error_at(sheet, f"{header} kernel: needed with machine_model = {model}")
        return
    if made.root_image is None:
        findings.error_at(sheet, f"{header} root_image: needed with machine_model = {model}")
    for option in ("kernel", "initrd", "kernel_arguments"):
        if option in sheet.values:
            findings.warning_at(
                sheet.values[option],
                f"{header} {option}: has no effect with machine_model = {model}, only with"
                " vm-direct",
            )


def check_references(sheet: Sheet, findings: Findings) -> None:
    """What a section says of files and of user_data's options."""
    for name, value in sheet.values.items():
        prefixed = name.startswith("user_data_file_")
        if not prefixed and name not in ("root_image", "user_data", "kernel", "initrd"):
            continue
        cure = "use a local file, by its absolute path or below machinetypes/NAME/files"
        quoted = f"{value.header} {value.option} = {shown(value.text)}"
        text = value.text.lower()
        if text.startswith(("http://", "https://")):
            findings.warning_at(value, f"{quoted}: fetching is not in this version: {cure}")
        elif text.startswith("image:"):
            text = "images of clouds are not in this version"
            findings.warning_at(value, f"{quoted}: {text}: {cure}")
        elif "://" in text:
            findings.error_at(value, f"{quoted}: no such kind of URL: {cure}")
        other = name.replace("user_data_file_", "user_data_option_", 1)
        if prefixed and other in sheet.values:
            findings.error_at(value, f"{value.header} {name}: {other} is set too; remove one")


def check_space(made: Space, sheet: Sheet, layers: Layers, findings: Findings) -> None:
    """What is wrong between a space, its factory and its machinetypes."""
    what = f"space {made.name}"
    if made.name in (made.factory_name, *made.factories):
        findings.error_at(
            sheet, f"{what}: a factory has this name too; a space needs one of its own"
        )
    if made.factories and made.factory_name not in made.factories:
        value = layers.value("factories") or sheet
        findings.warning_at(
            value,
            f"{what}: factories does not name this factory, {made.factory_name}; add it, so that"
            " the list can be the same everywhere",
        )
    if made.vacquery_require_secret and made.vacquery_secret_file is None:
        findings.error_at(
            layers.value("vacquery_require_secret") or sheet,
            f"{what}: vacquery_require_secret needs vacquery_secret_file; nobody could be answered",
        )
    _check_embed_root(layers.value("libvirt_uri"), findings)
    check_references(sheet, findings)
    _check_addresses(made, sheet, layers, findings)
    if findings.fatal:
        return  # what seems to be missing may stand in a line that was not understood
    if not made.machinetypes:
        findings.warning_at(
            sheet, f"{what}: no machinetypes, so nothing is started; add [machinetype NAME]"
        )
    elif not any(machinetype.target_share for machinetype in made.machinetypes.values()):
        findings.warning_at(
            sheet, f"{what}: every target_share is 0, so nothing is started; set one"
        )


def _check_addresses(made: Space, sheet: Sheet, layers: Layers, findings: Findings) -> None:
    slots = GuestNetwork.parse(made.guest_network).slots
    if _has_network(made.libvirt_uri) and (made.total_machines or 0) > slots:
        findings.warning_at(
            layers.value("total_machines") or sheet,
            f"space {made.name}: total_machines is {made.total_machines}, but guest_network"
            f" {made.guest_network} has addresses for {slots} machines",
        )


def check_sizes(made: Space, sheets: Mapping[str, Sheet], findings: Findings) -> None:
    """Warn of machinetypes that a space's limits keep from ever starting, or make smaller."""
    superslot = made.processors_per_superslot
    for name, machinetype in made.machinetypes.items():
        sheet = sheets[name]
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


def check_spaces(sheets: Sheets, spaces: Mapping[str, Space], findings: Findings) -> None:
    """What is wrong between the spaces of one daemon."""
    check_references(sheets.default, findings)
    check_references(sheets.settings, findings)
    if not spaces and "vcycle_space" not in sheets.settings.values:
        findings.error_at(
            sheets.settings,
            "no space to run: set vcycle_space in [settings], or add a section [space NAME]",
        )
    layers = {
        name: Layers([sheets.spaces[name], sheets.settings, sheets.default]) for name in spaces
    }
    for name, space in spaces.items():
        check_sizes(space, sheets.machinetypes.get(name, {}), findings)
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


def _has_network(uri: str) -> bool:
    """Whether machines there are on a network of libvirt's; else they have user networking."""
    driver, _, path = uri.partition("?")[0].partition("://")
    return driver.startswith("qemu") and not path.endswith(("/session", "/embed", "/embed/"))


def _embed_root(uri: str) -> str | None:
    """The root of an embedded driver, "" if it has none; None for another URI."""
    path, _, query = uri.partition("?")
    if not path.startswith("qemu") or not path.endswith((":///embed", ":///embed/")):
        return None
    return parse_qs(query).get("root", [""])[0]


def _check_embed_root(value: Value | None, findings: Findings) -> None:
    root = None if value is None else _embed_root(value.text)
    if value is None or root is None:
        return
    quoted = f"{value.header} libvirt_uri = {shown(value.text, 120)}"
    if not root.startswith("/"):
        findings.error_at(
            value, f"{quoted}: needs an absolute path as root, qemu:///embed?root=/run/vcycle"
        )
    elif len(root) > MAX_EMBED_ROOT:
        findings.error_at(
            value, f"{quoted}: the root has {len(root)} characters; at most {MAX_EMBED_ROOT} work"
        )


def _check_embed(
    spaces: Mapping[str, Space], layers: Mapping[str, Layers], sheets: Sheets, findings: Findings
) -> None:
    """The embedded driver is one root for each process, and shuts out all other qemu: URIs."""
    uris = {name: s.libvirt_uri for name, s in spaces.items() if s.libvirt_uri.startswith("qemu")}
    embedded = {name: root for name, uri in uris.items() if (root := _embed_root(uri)) is not None}
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
