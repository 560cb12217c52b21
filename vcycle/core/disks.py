"""Which disks a machine gets, from its model and its machinetype's sizes and devices."""

from __future__ import annotations

import posixpath

from vcycle.core.config.model import Machinetype
from vcycle.core.machine import Disk, Forming, Model, Record

GIGABYTE = 10**9
SECTOR = 512
DEFAULT_GB_PER_PROCESSOR = 40.0
CDROM_DEVICE = "hdc"
DISK_FILES = ("root.qcow2", "root.raw", "scratch.raw")
"""Every name that a disk made for a machine can have in the machine's directory."""


def disks_for(
    record: Record, *, directory: str, image: str | None, machinetype: Machinetype
) -> tuple[Forming, ...]:
    """
    The disks of one machine, those to be made below ``directory``; ``image`` is an absolute path.

    A Forming with neither backing nor size is there already, and belongs to nobody.

    :raises ValueError: the model needs an image.
    """
    if record.model in (Model.CERNVM3, Model.CERNVM4):
        size = _size(machinetype.disk_gb_per_processor or DEFAULT_GB_PER_PROCESSOR, record)
        return (
            Forming(disk=Disk(path=_needed(image), kind="raw", device=CDROM_DEVICE, cdrom=True)),
            _blank(directory, "root", machinetype.root_device, size),
        )
    formings = []
    if record.model is Model.VM_RAW or image is not None:
        formings.append(_overlay(directory, machinetype.root_device, _needed(image)))
    if machinetype.disk_gb_per_processor:
        size = _size(machinetype.disk_gb_per_processor, record)
        formings.append(_blank(directory, "scratch", machinetype.scratch_device, size))
    return tuple(formings)


def made(formings: tuple[Forming, ...]) -> tuple[str, ...]:
    """The paths of those disks that are made for the machine, and go with it."""
    return tuple(f.disk.path for f in formings if f.backing is not None or f.size is not None)


def _overlay(directory: str, device: str, backing: str) -> Forming:
    path = posixpath.join(directory, "root.qcow2")
    return Forming(disk=Disk(path=path, kind="qcow2", device=device), backing=backing)


def _blank(directory: str, name: str, device: str, size: int) -> Forming:
    path = posixpath.join(directory, f"{name}.raw")
    return Forming(disk=Disk(path=path, kind="raw", device=device), size=size)


def _needed(image: str | None) -> str:
    if image is None:
        raise ValueError("this machine_model needs an image: set root_image")
    return image


def _size(gb_per_processor: float, record: Record) -> int:
    return int(gb_per_processor * record.processors * GIGABYTE) // SECTOR * SECTOR
