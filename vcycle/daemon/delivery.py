"""One machine's user_data: made from its template, and brought to where the machine finds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from vcycle.core.config.model import Machinetype
from vcycle.core.machine import Record, Seed
from vcycle.core.metadata import Places
from vcycle.core.userdata import standard_patterns, substitute
from vcycle.daemon.materials import Materials
from vcycle.daemon.serving import WELL_KNOWN
from vcycle.interfaces import ICredentials, IMachineStore


@frozen(kw_only=True)
class Delivery:
    """Fills in templates; ``credentials`` None refuses the machinetypes that need a proxy."""

    version: str
    store: IMachineStore
    credentials: ICredentials | None = None

    async def deliver(
        self,
        record: Record,
        machinetype: Machinetype,
        materials: Materials,
        *,
        url: str | None,
        limit: int,
        squids: Sequence[str] = (),
    ) -> Seed | None:
        """
        Write the machine's user_data; what its CD-ROM is to hold, or None if it gets none.

        ``url`` is where its metadata is, ``limit`` what its provider takes, ``squids`` are the
        proxies that come before a configured one.

        :raises UserDataError: the template cannot be filled in.
        :raises CredentialError: there is no proxy for it.
        :raises StoreError: it cannot be written.
        """
        if materials.template is None:
            return None
        patterns = standard_patterns(
            record,
            version=self.version,
            places=Places.below(url or WELL_KNOWN),
            template=machinetype.user_data,
            root_image=machinetype.root_image,
        )
        files = {**materials.files, **await self._proxy(record, machinetype, materials)}
        result = substitute(
            materials.template, patterns, machinetype.user_data_options, files, limit
        )
        await self.store.write(record, {"user_data": result.body})
        return None

    async def _proxy(
        self, record: Record, machinetype: Machinetype, materials: Materials
    ) -> Mapping[str, bytes]:
        """The file ``x509_proxy`` that templates may ask for, if the machinetype has one."""
        return {}
