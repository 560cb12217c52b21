"""One machine's user_data: made from its template, and brought to where the machine finds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Callable

from attrs import define, field

from vcycle.core.config.model import Machinetype
from vcycle.core.errors import CredentialError
from vcycle.core.machine import Record, Seed
from vcycle.core.metadata import Facts, Places
from vcycle.core.seed import seed_for
from vcycle.core.squids import OPTION, before
from vcycle.core.templates import Verdict, judge
from vcycle.core.userdata import (
    LIMIT,
    PROXY,
    SERVED,
    SHARED_DIRS,
    UNSERVED,
    standard_patterns,
    substitute,
)
from vcycle.daemon import events
from vcycle.daemon.materials import Materials
from vcycle.daemon.serving import WELL_KNOWN
from vcycle.interfaces import ICredentials, IMachineStore, RunInThread

PROXY_PATTERN = f"##user_data_{PROXY}##".encode()
METADATA = "metadata"
"""The way of delivery that is our web server."""


@define(kw_only=True)
class Delivery:
    """
    Fills in templates; ``credentials`` None refuses the machinetypes that need a proxy.

    ``directory`` gives the directory of a machinetype's own files, where its certificate is.
    """

    version: str
    store: IMachineStore
    in_thread: RunInThread
    credentials: ICredentials | None = None
    directory: Callable[[str], str] = str
    _told: dict[str, Verdict] = field(factory=dict, init=False)

    async def deliver(
        self,
        record: Record,
        machinetype: Machinetype,
        materials: Materials,
        *,
        url: str | None,
        limit: int,
        squids: Sequence[str] = (),
        mounts: str = "",
    ) -> Seed | None:
        """
        Write the machine's user_data; what its CD-ROM is to hold, or None if it gets none.

        ``url`` is where its metadata is, ``limit`` what its provider takes, ``squids`` are the
        proxies that come before a configured one, ``mounts`` what it is told of its directories.

        :raises UserDataError: the template cannot be filled in.
        :raises CredentialError: there is no proxy for it.
        :raises StoreError: it cannot be written.
        """
        places = Places.below(url or WELL_KNOWN)
        body = None
        if materials.template is not None:
            await self._judge(machinetype, materials.template)
            patterns = standard_patterns(
                record,
                version=self.version,
                places=places,
                template=machinetype.user_data,
                root_image=machinetype.root_image,
            )
            patterns[SHARED_DIRS] = mounts
            patterns.update(await self._proxy(record, machinetype, materials.template))
            body = await self._filled(
                machinetype, materials.template, materials.files, patterns, limit, squids
            )
            name = SERVED if METADATA in machinetype.user_data_delivery else UNSERVED
            await self.store.write(record, {name: body})
        facts = Facts(record=record, places=places, public_key=materials.public_key, user_data=body)
        return seed_for(machinetype.user_data_delivery, facts)

    async def _filled(
        self,
        machinetype: Machinetype,
        template: bytes,
        files: Mapping[str, bytes],
        patterns: Mapping[str, str],
        limit: int,
        squids: Sequence[str],
    ) -> bytes:
        options = dict(machinetype.user_data_options)
        if squids:
            configured = options.get(OPTION) or _text(files.get(OPTION))
            options[OPTION] = before(configured, squids) or ""
            files = {name: content for name, content in files.items() if name != OPTION}
        most = min(limit, LIMIT)
        return await self.in_thread(lambda: substitute(template, patterns, options, files, most))

    async def _judge(self, machinetype: Machinetype, template: bytes) -> None:
        """What the template asks for in vain, and never asks for, once for as long as it is so."""
        verdict = await self.in_thread(lambda: judge(template, machinetype))
        former = self._told.get(machinetype.name, Verdict())
        self._told[machinetype.name] = verdict
        if verdict.unknown and verdict.unknown != former.unknown:
            events.user_data_unknown(machinetype.space, machinetype.name, verdict.unknown)
        if verdict.unused and verdict.unused != former.unused:
            events.user_data_unused(machinetype.space, machinetype.name, verdict.unused)

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


def _text(content: bytes | None) -> str | None:
    """A file's content as an option has it."""
    return None if content is None else content.decode("utf-8", "surrogateescape").strip()
