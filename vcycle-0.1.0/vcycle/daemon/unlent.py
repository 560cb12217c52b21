"""Volumes and exports that belong to no machine any more: looked at, and left as they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from vcycle.core.config.model import Space
from vcycle.core.disks import volume_owner
from vcycle.core.errors import VcycleError
from vcycle.core.machine import Record, Survey
from vcycle.core.sharing import NFS, forgotten
from vcycle.daemon.hypervisor import Hypervisor
from vcycle.interfaces import IExports


async def unlent(
    hypervisor: Hypervisor,
    exports: IExports | None,
    space: Space,
    survey: Survey | None,
    records: Collection[Record],
) -> tuple[list[dict[str, object]], list[str]]:
    """What is of nobody in the pools and among the exports of a space, and what was not seen."""
    found: list[dict[str, object]] = []
    problems: list[str] = []
    try:
        found += await _volumes(hypervisor, space, survey, records)
    except VcycleError as error:
        problems.append(str(error))
    try:
        found += await _exports(hypervisor, exports, space, records)
    except VcycleError as error:
        problems.append(str(error))
    return found, problems


async def _volumes(
    hypervisor: Hypervisor, space: Space, survey: Survey | None, records: Collection[Record]
) -> list[dict[str, object]]:
    groups = {space.volume_group, *(record.volume_group for record in records)} - {None}
    if hypervisor.volumes is None or survey is None or not survey.complete:
        return []
    living = {sighting.uuid for sighting in survey.sightings}
    found: list[dict[str, object]] = []
    for group in sorted(map(str, groups)):
        for name, size in (await hypervisor.volumes.listed(group)).items():
            owner = volume_owner(name) or ""
            if owner not in living and not hypervisor.book.knows(owner):
                why = "volume of a machine that is over or unknown"
                found.append(
                    {"kind": "volume", "what": f"{group}/{name}", "why": why, "bytes": size}
                )
    return found


async def _exports(
    hypervisor: Hypervisor, exports: IExports | None, space: Space, records: Collection[Record]
) -> list[dict[str, object]]:
    lends = space.sharing == NFS or any(record.exports for record in records)
    if exports is None or hypervisor.network is None or not lends:
        return []
    exported = await exports.exported()

    def told() -> Iterator[dict[str, object]]:
        assert hypervisor.network is not None, "it was looked at"
        for path, address in forgotten(exported, hypervisor.network, hypervisor.book.by_address):
            why = "exported to an address of no machine"
            yield {"kind": "export", "what": f"{path} to {address}", "why": why}

    return list(told())
