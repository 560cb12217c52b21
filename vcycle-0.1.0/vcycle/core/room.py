"""Whether there is room for a machine's disks, before anything of the machine is made."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, evolve, field, frozen

from vcycle.core.config.model import Machinetype
from vcycle.core.disks import GIGABYTE, blank_size, has_overlay
from vcycle.core.machine import Model, Record
from vcycle.core.observation import Observation
from vcycle.core.reasons.rule import Rule
from vcycle.core.veto import DISK_RESERVE

HEADROOM = GIGABYTE
"""Bytes that have to be free for each new disk file, or its size if that is less: it is sparse."""

EXTENT = 4 << 20
"""LVM's own; sizes of volumes are rounded up to it."""

GRAIN = 64 << 20
"""Computed sizes are multiples of this, so that they are whole extents in any usual group."""


@frozen(kw_only=True)
class Needs:
    """Bytes that a machine's disks need: ``files`` where state is kept, ``volumes`` in the pool."""

    files: int = 0
    volumes: int = 0


def needs(machinetype: Machinetype, processors: int, group: str | None) -> Needs:
    """What one machine needs; ``group`` is where blank disks go, None for files."""
    files = HEADROOM if has_overlay(machinetype) else 0
    size = blank_size(machinetype, processors)
    if group is None:
        return Needs(files=files + min(size, HEADROOM))
    return Needs(files=files, volumes=-(-size // EXTENT) * EXTENT)


@define(kw_only=True)
class Room:
    """
    The room that is left, less what was taken since; None is not known, and no limit.

    ``share`` is the size of a volume for each processor, where none is configured.
    """

    group: str | None
    files: int | None
    volumes: int | None
    share: int | None
    _known: dict[tuple[str, int], Needs] = field(factory=dict, init=False)

    @classmethod
    def of(cls, observation: Observation, living: Sequence[Record]) -> Room:
        """The room as it was observed; machines that have not started yet have taken none of it."""
        space, pool, free = observation.space, observation.pool, observation.host.disk_free
        group = space.volume_group
        if free is not None:
            young = [record for record in living if record.started_at is None]
            free -= DISK_RESERVE + sum(_promised(record, observation) for record in young)
        known = [n for n in (observation.budget.processors, space.total_processors) if n]
        share = None
        if pool is not None and known:
            share = (pool.free + pool.ours) // known[0] // GRAIN * GRAIN
        volumes = None if pool is None else pool.free
        return cls(group=group, files=free, volumes=volumes, share=share)

    def sized(self, machinetype: Machinetype) -> Machinetype:
        """The machinetype with the size of its blank disk, where that has to be computed."""
        if self._is_computed(machinetype) and self.share:
            return evolve(machinetype, disk_gb_per_processor=self.share / GIGABYTE)
        return machinetype

    def capped(self, machinetype: Machinetype) -> Machinetype:
        """The machinetype, its machines no larger than what there is room for."""
        least, most = machinetype.min_processors, machinetype.max_processors
        if self._fits(machinetype, most):
            return machinetype
        while most - least > 1:
            middle = (least + most) // 2
            if self._fits(machinetype, middle):
                least = middle
            else:
                most = middle
        return evolve(machinetype, max_processors=least)

    def take(self, machinetype: Machinetype, processors: int) -> None:
        """A machine is about to be made."""
        wanted = self._needs(machinetype, processors)
        if self.files is not None:
            self.files -= wanted.files
        if self.volumes is not None:
            self.volumes -= wanted.volumes

    def full(self, machinetype: Machinetype) -> bool:
        """Whether there is no room for its smallest machine."""
        sizeless = self._is_computed(machinetype) and not self.share
        return sizeless or not self._fits(machinetype, machinetype.min_processors)

    def rule(self, machinetype: Machinetype) -> Rule:
        """As ``full``, with all that it looked at."""
        seen = [] if self.files is None else [f"{_gb(self.files)} where state is kept"]
        if self.group is not None and self.volumes is not None:
            seen.append(f"{_gb(self.volumes)} in {self.group}")
        return Rule(
            name="room for disks",
            seen=" and ".join(seen) or "not known",
            refusal=self._lacking(machinetype) if self.full(machinetype) else None,
            word="no-room",
        )

    def _lacking(self, machinetype: Machinetype) -> str:
        if self._is_computed(machinetype) and not self.share:
            return (
                f"no size for its volumes can be computed from {self.group}:"
                " set disk_gb_per_processor"
            )
        wanted = self._needs(machinetype, machinetype.min_processors)
        if self.volumes is not None and wanted.volumes > self.volumes:
            return (
                f"no room for its volume of {_gb(wanted.volumes)}:"
                f" {_gb(self.volumes)} are free in {self.group}"
            )
        return (
            f"no room for its disks: {_gb(wanted.files)} have to be free where state is kept,"
            f" beside {DISK_RESERVE >> 30} GiB in reserve, and {_gb(self.files or 0)} are"
        )

    def _needs(self, machinetype: Machinetype, processors: int) -> Needs:
        known = self._known.get((machinetype.name, processors))
        if known is None:
            known = needs(self.sized(machinetype), processors, self.group)
            self._known[machinetype.name, processors] = known
        return known

    def _fits(self, machinetype: Machinetype, processors: int) -> bool:
        wanted = self._needs(machinetype, processors)
        files = self.files is None or wanted.files <= self.files
        return files and (self.volumes is None or wanted.volumes <= self.volumes)

    def _is_computed(self, machinetype: Machinetype) -> bool:
        direct = machinetype.machine_model is Model.VM_DIRECT
        return self.group is not None and not direct and not machinetype.disk_gb_per_processor


def _promised(record: Record, observation: Observation) -> int:
    """Bytes of files for a machine that is about to start."""
    machinetype = observation.space.machinetypes.get(record.machinetype)
    if machinetype is None:
        return HEADROOM
    return needs(machinetype, record.processors, record.volume_group).files


def _gb(size: int) -> str:
    return f"{max(0, size) / GIGABYTE:.1f} GB"
