"""What no option can be judged by alone: values that do not go together."""

from __future__ import annotations

from vcycle.core.addresses import GuestNetwork
from vcycle.core.config.between import check_sizes, check_spaces
from vcycle.core.config.findings import Findings
from vcycle.core.config.model import Machinetype, Space
from vcycle.core.config.references import check_references, check_secrets
from vcycle.core.config.sheet import Layers, Sheet
from vcycle.core.config.syntax import shown
from vcycle.core.config.uris import check_embed_root, has_network
from vcycle.core.machine import Model

__all__ = [
    "check_machinetype",
    "check_references",
    "check_secrets",
    "check_sizes",
    "check_space",
    "check_spaces",
]


def check_machinetype(made: Machinetype, sheet: Sheet, layers: Layers, findings: Findings) -> None:
    """What is wrong within one machinetype, or cannot have been meant."""
    _check_boot(made, sheet, findings)
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
    check_embed_root(layers.value("libvirt_uri"), findings)
    _check_fence(made, sheet, layers, findings)
    _check_addresses(made, sheet, layers, findings)
    if findings.fatal:
        return  # what seems to be missing may stand in a line that was not understood
    _check_squids(made, findings, sheet)
    if not made.machinetypes and not made.pipes:
        findings.warning_at(
            sheet, f"{what}: no machinetypes, so nothing is started; add [machinetype NAME]"
        )
    elif not any(
        (
            *(machinetype.target_share for machinetype in made.machinetypes.values()),
            *(pipe.target_share for pipe in made.pipes.values()),
        )
    ):
        findings.warning_at(
            sheet, f"{what}: every target_share is 0, so nothing is started; set one"
        )


def _check_fence(made: Space, sheet: Sheet, layers: Layers, findings: Findings) -> None:
    """Behind the fence, where machines have user networking, other hosts are out of reach."""
    if not made.libvirt_uri.startswith("qemu") or has_network(made.libvirt_uri):
        return
    others = [name for name in made.factories if name != made.factory_name]
    for option, words in (("factories", others), ("vacmon_hostport", made.vacmon_hostport)):
        if words:
            findings.warning_at(
                layers.value(option) or sheet,
                f"space {made.name}: {option}: with libvirt_uri = {shown(made.libvirt_uri, 120)}"
                " the daemon is in a network namespace without a way out, and neither hears other"
                " factories nor is heard; use qemu:///system",
            )


def _check_addresses(made: Space, sheet: Sheet, layers: Layers, findings: Findings) -> None:
    slots = GuestNetwork.parse(made.guest_network).slots
    if has_network(made.libvirt_uri) and (made.total_machines or 0) > slots:
        findings.warning_at(
            layers.value("total_machines") or sheet,
            f"space {made.name}: total_machines is {made.total_machines}, but guest_network"
            f" {made.guest_network} has addresses for {slots} machines",
        )


def _check_squids(made: Space, findings: Findings, sheet: Sheet) -> None:
    for machinetype in made.machinetypes.values():
        squids = machinetype.cvmfs_proxy_machinetype
        if squids is None or squids[0] in made.machinetypes:
            continue
        if any(squids[0].startswith(f"{pipe}-") for pipe in made.pipes):
            continue  # its document may not be here yet
        findings.warning_at(
            sheet,
            f"space {made.name}: cvmfs_proxy_machinetype of {machinetype.name}: there is no"
            f" machinetype {squids[0]}; its machines get no proxies of ours",
        )
