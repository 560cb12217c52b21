"""One machine's user_data: made from its template, and brought to where the machine finds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Callable

from attrs import frozen

from vcycle.core.config.model import Machinetype
from vcycle.core.errors import CredentialError
from vcycle.core.machine import Record, Seed
from vcycle.core.metadata import Places
from vcycle.core.userdata import standard_patterns, substitute
from vcycle.daemon.materials import Materials
from vcycle.daemon.serving import WELL_KNOWN
from vcycle.interfaces import ICredentials, IMachineStore

PROXY = "option_x509_proxy"
PROXY_PATTERN = f"##user_data_{PROXY}##".encode()


@frozen(kw_only=True)
class Delivery:
    """
    Fills in templates; ``credentials`` None refuses the machinetypes that need a proxy.

    ``directory`` gives the directory of a machinetype's own files, where its certificate is.
    """

    version: str
    store: IMachineStore
    credentials: ICredentials | None = None
    directory: Callable[[str], str] = str

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
        patterns.update(await self._proxy(record, machinetype, materials.template))
        result = substitute(
            materials.template, patterns, machinetype.user_data_options, materials.files, limit
        )
        await self.store.write(record, {"user_data": result.body})
        return None

    async def _proxy(
        self, record: Record, machinetype: Machinetype, template: bytes
    ) -> Mapping[str, str]:
        """What the template asks for as the machine's proxy; no option of that name counts then."""
        if not machinetype.user_data_proxy or PROXY_PATTERN not in template:
            return {}
        if self.credentials is None:
            raise CredentialError(f"{machinetype.name}: nothing here makes X.509 proxies")
        proxy = await self.credentials.proxy(
            self.directory(machinetype.directory),
            machinetype.name,
            record.shutdown_time,
            machinetype.legacy_proxy,
        )
        return {PROXY: proxy.decode("ascii")}
