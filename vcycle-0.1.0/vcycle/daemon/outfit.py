"""What one machine is equipped with before it is asked for: user_data, disks, directories."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from vcycle.core.config.model import Machinetype, Space
from vcycle.core.disks import disks_for, with_seed
from vcycle.core.machine import Boot, Disk, Mark, Record, Seed, Shared, Spec
from vcycle.core.recordtext import encode
from vcycle.core.sharing import NFS
from vcycle.daemon.delivery import METADATA, Delivery
from vcycle.daemon.hypervisor import Hypervisor
from vcycle.daemon.lending import Lending
from vcycle.daemon.materials import Materials
from vcycle.interfaces import IDisks, IMachineStore


@frozen(kw_only=True)
class Outfit:
    """Forms all that machines of one space need."""

    owner: str
    hypervisor: Hypervisor
    store: IMachineStore
    delivery: Delivery
    disks: IDisks
    lending: Lending

    async def prepare(
        self,
        record: Record,
        machinetype: Machinetype,
        materials: Materials,
        space: Space,
        squids: Sequence[str] = (),
    ) -> Spec:
        """
        Everything that the machine of a record needs, in place; what to ask the provider for.

        :raises VcycleError: something cannot be had.
        :raises ValueError: the machinetype's options do not fit together.
        """
        url = self.hypervisor.server.metadata_url(record.secret)
        shared = await self.lending.choose(machinetype, space)
        seed = await self.delivery.deliver(
            record,
            machinetype,
            materials,
            url=url,
            limit=self.hypervisor.provider.traits.max_user_data,
            squids=squids,
            mounts=self.lending.told(shared),
        )
        return Spec(
            record=record,
            mark=Mark(
                owner=self.owner,
                space=space.name,
                uuid=record.uuid,
                name=record.name,
                facts=encode(record).strip(),
            ),
            disks=await self._disks(record, machinetype, materials, seed, shared),
            console=self.store.path(record, "console.log"),
            boot=_boot(machinetype, materials),
            metadata_url=url,
            hinted=METADATA in machinetype.user_data_delivery,
            shared=tuple(one for one in shared if one.how != NFS),
        )

    async def _disks(
        self,
        record: Record,
        machinetype: Machinetype,
        materials: Materials,
        seed: Seed | None,
        shared: Sequence[Shared],
    ) -> tuple[Disk, ...]:
        directory = self.store.path(record, "")
        formings = disks_for(
            record, directory=directory, image=materials.image, machinetype=machinetype
        )
        formings = with_seed(formings, seed, directory)
        await self.disks.form([forming for forming in formings if forming.disk.pool is None])
        await self.lending.lend(record, formings, shared)
        return tuple(forming.disk for forming in formings)


def _boot(machinetype: Machinetype, materials: Materials) -> Boot | None:
    if materials.kernel is None:
        return None
    return Boot(
        kernel=materials.kernel, initrd=materials.initrd, arguments=machinetype.kernel_arguments
    )
