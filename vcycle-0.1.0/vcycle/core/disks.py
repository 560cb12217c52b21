"""Which disks a machine gets, from its model and its machinetype's sizes and devices."""

from __future__ import annotations

import posixpath
import re

from attrs import frozen

from vcycle.core.config.model import Machinetype
from vcycle.core.machine import Disk, Forming, Model, Record, Seed

GIGABYTE = 10**9
SECTOR = 512
DEFAULT_GB_PER_PROCESSOR = 40.0
CDROM_DEVICE = "hdc"
SEED_DEVICES = ("hdd", "hdb", "hda", "hdc")
SEED_FILE = "seed.iso"
DISK_FILES = ("root.qcow2", "root.raw", "scratch.raw", SEED_FILE)
"""Every name that a disk file made for a machine can have in the machine's directory."""

BLANKS = ("root", "scratch")
_VOLUME = re.compile(r"vcycle-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(?:root|scratch)")


@frozen(kw_only=True)
class Pool:
    """A storage pool: bytes that are free, and bytes of the volumes of machines in it."""

    free: int
    ours: int = 0


def volume_name(uuid: str, blank: str) -> str:
    """What the volume of a machine's blank disk is called."""
    return f"vcycle-{uuid}-{blank}"


def volumes_of(record: Record) -> tuple[str, ...]:
    """Every name that a volume made for a machine can have."""
    if record.volume_group is None:
        return ()
    return tuple(volume_name(record.uuid, blank) for blank in BLANKS)


def volume_owner(name: str) -> str | None:
    """The uuid of the machine that a volume was made for; None if it is no machine's."""
    match = _VOLUME.fullmatch(name)
    return None if match is None else match[1]


def has_overlay(machinetype: Machinetype) -> bool:
    """Whether its machines write to an overlay of an image."""
    model = machinetype.machine_model
    return model is Model.VM_RAW or (model is Model.VM_DIRECT and bool(machinetype.root_image))


def has_blank(machinetype: Machinetype) -> bool:
    """Whether its machines have a blank disk."""
    cd = machinetype.machine_model in (Model.CERNVM3, Model.CERNVM4)
    return cd or bool(machinetype.disk_gb_per_processor)


def has_volume(machinetype: Machinetype, group: str | None) -> bool:
    """Whether the blank disk of its machines is a volume of ``group``, of whatever size."""
    if group is None:
        return False
    return has_blank(machinetype) or machinetype.machine_model is not Model.VM_DIRECT


def blank_size(machinetype: Machinetype, processors: int) -> int:
    """Bytes of the blank disk of a machine; 0 if it has none."""
    if not has_blank(machinetype):
        return 0
    return _size(machinetype.disk_gb_per_processor or DEFAULT_GB_PER_PROCESSOR, processors)


def disks_for(
    record: Record, *, directory: str, image: str | None, machinetype: Machinetype
) -> tuple[Forming, ...]:
    """
    The disks of one machine, those to be made below ``directory``, or in the volume group of
    its record; ``image`` is an absolute path.

    A Forming with neither backing nor size is there already, and belongs to nobody.

    :raises ValueError: the model needs an image.
    """
    gb = machinetype.disk_gb_per_processor
    if record.model in (Model.CERNVM3, Model.CERNVM4):
        size = _size(gb or DEFAULT_GB_PER_PROCESSOR, record.processors)
        return (
            Forming(disk=Disk(path=_needed(image), kind="raw", device=CDROM_DEVICE, cdrom=True)),
            _blank(record, directory, "root", machinetype.root_device, size),
        )
    formings = []
    if record.model is Model.VM_RAW or image is not None:
        formings.append(_overlay(directory, machinetype.root_device, _needed(image)))
    if gb:
        size = _size(gb, record.processors)
        formings.append(_blank(record, directory, "scratch", machinetype.scratch_device, size))
    return tuple(formings)


def with_seed(
    formings: tuple[Forming, ...], seed: Seed | None, directory: str
) -> tuple[Forming, ...]:
    """
    The disks with the CD-ROM of a seed behind them, where there is one.

    Its device is after that of an image's CD-ROM where it can be: the first one is booted from.
    """
    if seed is None:
        return formings
    taken = {forming.disk.device for forming in formings}
    device = next(name for name in SEED_DEVICES if name not in taken)
    path = posixpath.join(directory, SEED_FILE)
    disk = Disk(path=path, kind="raw", device=device, cdrom=True)
    return (*formings, Forming(disk=disk, seed=seed))


def made(formings: tuple[Forming, ...]) -> tuple[str, ...]:
    """The paths of those disk files that are made for the machine, and go with it."""
    mine = (f for f in formings if (f.backing, f.size, f.seed) != (None, None, None))
    return tuple(forming.disk.path for forming in mine if forming.disk.pool is None)


def _overlay(directory: str, device: str, backing: str) -> Forming:
    path = posixpath.join(directory, "root.qcow2")
    return Forming(disk=Disk(path=path, kind="qcow2", device=device), backing=backing)


def _blank(record: Record, directory: str, name: str, device: str, size: int) -> Forming:
    pool = record.volume_group
    if pool is None:
        path = posixpath.join(directory, f"{name}.raw")
    else:
        path = volume_name(record.uuid, name)
    return Forming(disk=Disk(path=path, kind="raw", device=device, pool=pool), size=size)


def _needed(image: str | None) -> str:
    if image is None:
        raise ValueError("this machine_model needs an image: set root_image")
    return image


def _size(gb_per_processor: float, processors: int) -> int:
    return int(gb_per_processor * processors * GIGABYTE) // SECTOR * SECTOR
