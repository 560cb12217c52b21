"""Making one machine: its intent, all that it needs, and then the request."""

from __future__ import annotations

from typing import Callable

from attrs import evolve, frozen

from vcycle.core.config.model import Machinetype, Space
from vcycle.core.disks import blank_size, has_volume
from vcycle.core.errors import (
    CallTimedOut,
    HostFault,
    OutcomeUnknown,
    ProviderError,
    Scope,
    StoreError,
    VcycleError,
)
from vcycle.core.machine import Limits, Outcome, Record
from vcycle.core.messages import MAX_MESSAGE
from vcycle.core.observation import Creation
from vcycle.core.sharing import exports_of
from vcycle.core.squids import squids
from vcycle.daemon import events
from vcycle.daemon.hypervisor import Hypervisor
from vcycle.daemon.knowledge import Knowledge
from vcycle.daemon.materials import Materials
from vcycle.daemon.outfit import Outfit
from vcycle.interfaces import IMachineStore

NEVER_MADE_DAYS = 1 / 24
"""How long the directory of a machine is kept that was never made: it holds only its intent."""


@frozen(kw_only=True)
class Made:
    """What came of one creation: ``failed`` is the record that has to be ended, if it failed."""

    failed: Record | None = None
    scope: Scope | None = None
    problem: str | None = None


@frozen(kw_only=True)
class Maker:
    """
    Makes machines of one space on one provider.

    ``uuid`` and ``secret`` draw new ones; ``admit`` makes a machine known to its web server.
    """

    owner: str
    hypervisor: Hypervisor
    store: IMachineStore
    outfit: Outfit
    clock: Callable[[], float]
    uuid: Callable[[], str]
    secret: Callable[[], str]
    admit: Callable[[Record], None]

    async def make(
        self, creation: Creation, materials: Materials, space: Space, knowledge: Knowledge
    ) -> Made:
        """
        Write the intent, form what the machine needs, ask for it. Never raises VcycleError.

        From the intent on the record is known and counts, whatever happens after.
        """
        machinetype = creation.machinetype
        address: str | None = None
        try:
            address, mac = self.hypervisor.lease(creation.slot)
            record = self._record(creation, materials, space, knowledge.clock, address, mac)
            await self.store.save([record])
            knowledge.records[record.uuid] = record
            self.admit(record)
        except VcycleError as error:
            return Made(problem=str(error), scope=Scope.SPACE)
        finally:
            self.hypervisor.settle(address)
        events.creating(space.name, creation, record.uuid)
        began = self.clock()
        try:
            spec = await self.outfit.prepare(
                record, machinetype, materials, space, self._squids(machinetype, knowledge)
            )
            await self.hypervisor.provider.create(spec)
        except OutcomeUnknown as error:
            events.creation_unknown(record, _told(error, record))
            return Made(scope=Scope.SPACE)
        except (VcycleError, ValueError) as error:
            reason, scope = _told(error, record), _scope(error)
            events.creation_failed(record, reason)
            return Made(failed=self._over(record, reason, scope), scope=scope, problem=reason)
        events.created(record, self.clock() - began)
        return Made()

    def _squids(self, machinetype: Machinetype, knowledge: Knowledge) -> tuple[str, ...]:
        """The proxies that the machinetype wants, as far as they live now."""
        if machinetype.cvmfs_proxy_machinetype is None:
            return ()
        name, port = machinetype.cvmfs_proxy_machinetype
        records, traces = knowledge.records.values(), knowledge.traces
        return squids(records, traces, self.clock(), name, port)

    def _record(
        self,
        creation: Creation,
        materials: Materials,
        space: Space,
        clock: int,
        address: str | None,
        mac: str | None,
    ) -> Record:
        machinetype = creation.machinetype
        now = self.clock()
        return Record(
            uuid=self.uuid(),
            name=creation.name,
            slot=creation.slot,
            space=space.name,
            factory=space.factory_name,
            machinetype=machinetype.name,
            model=machinetype.machine_model,
            processors=creation.processors,
            memory_mb=creation.memory_mb,
            limits=Limits(
                fizzle_seconds=machinetype.fizzle_seconds,
                max_wallclock_seconds=machinetype.max_wallclock_seconds,
                heartbeat_file=machinetype.heartbeat_file,
                heartbeat_seconds=machinetype.heartbeat_seconds,
            ),
            secret=self.secret(),
            born=int(now),
            requested_at=now,
            shutdown_time=creation.shutdown_time,
            address=address,
            mac=mac,
            site=space.site,
            hs06_per_processor=space.hs06_per_processor,
            accounting_fqan=machinetype.accounting_fqan,
            keep_days=machinetype.machines_dir_days,
            clock=clock,
            image=materials.image,
            volume_group=space.volume_group
            if has_volume(machinetype, space.volume_group)
            else None,
            exports=exports_of(machinetype.shared_dirs, space.sharing),
            hepscore23_per_processor=space.hepscore23_per_processor,
            gocdb=space.gocdb_sitename is not None,
            scratch_bytes=blank_size(machinetype, creation.processors),
        )

    def _over(self, record: Record, reason: str, scope: Scope) -> Record:
        """A machine that never was: an abort, unless the fault is not its machinetype's."""
        return evolve(
            record,
            ended_at=self.clock(),
            outcome=Outcome.NEVER_STARTED,
            message=f"700 {reason}"[:MAX_MESSAGE],
            abort=scope is not Scope.SPACE,
            keep_days=NEVER_MADE_DAYS,
        )


def _scope(error: Exception) -> Scope:
    """
    What else this failure would meet.

    What our own disk refuses it refuses to all. A template or image that cannot be used can be
    put right at any time, so its machinetype backs off and tries again.
    """
    if isinstance(error, ProviderError):
        return error.scope
    return (
        Scope.SPACE if isinstance(error, (StoreError, CallTimedOut, HostFault)) else Scope.REQUEST
    )


def _told(error: Exception, record: Record) -> str:
    """One printable line, whatever library the text is from, without the machine's secret."""
    line = " ".join(str(error).replace(record.secret, "(secret)").split())
    return "".join(letter if letter.isprintable() else "?" for letter in line)
