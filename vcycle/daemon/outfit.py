"""What one machine is equipped with before it is asked for: user_data, disks, directories."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from vcycle.core.config.model import Machinetype, Space
from vcycle.core.disks import disks_for, with_seed
from vcycle.core.machine import Boot, Disk, Mark, Record, Seed, Shared, Spec
from vcycle.core.recordtext import encode
from vcycle.daemon.delivery import METADATA, Delivery
from vcycle.daemon.hypervisor import Hypervisor
from vcycle.daemon.materials import Materials
from vcycle.interfaces import IDisks, IExports, IMachineStore, IVolumes


@frozen(kw_only=True)
class Outfit:
    """
    Forms all that machines of one space need.

    ``volumes`` and ``exports`` None refuse the machines that need them.
    """

    owner: str
    hypervisor: Hypervisor
    store: IMachineStore
    delivery: Delivery
    disks: IDisks
    volumes: IVolumes | None = None
    exports: IExports | None = None

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
        seed = await self.delivery.deliver(
            record,
            machinetype,
            materials,
            url=url,
            limit=self.hypervisor.provider.traits.max_user_data,
            squids=squids,
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
            disks=await self._disks(record, machinetype, materials, seed),
            console=self.store.path(record, "console.log"),
            boot=_boot(machinetype, materials),
            metadata_url=url,
            hinted=METADATA in machinetype.user_data_delivery,
            shared=await self._shared(record, machinetype, space),
        )

    async def _disks(
        self, record: Record, machinetype: Machinetype, materials: Materials, seed: Seed | None
    ) -> tuple[Disk, ...]:
        directory = self.store.path(record, "")
        formings = disks_for(
            record, directory=directory, image=materials.image, machinetype=machinetype
        )
        formings = with_seed(formings, seed, directory)
        await self.disks.form(formings)
        return tuple(forming.disk for forming in formings)

    async def _shared(
        self, record: Record, machinetype: Machinetype, space: Space
    ) -> tuple[Shared, ...]:
        """The directories that the machine shares with the host."""
        return ()


def _boot(machinetype: Machinetype, materials: Materials) -> Boot | None:
    if materials.kernel is None:
        return None
    return Boot(
        kernel=materials.kernel, initrd=materials.initrd, arguments=machinetype.kernel_arguments
    )
