"""
IMachineProvider for one libvirt URI.

``LibvirtProvider(reactor, uri, in_thread, clock, network)``: ``in_thread`` is a
PrivateThreads of at most CALLS threads, ``clock`` gives Unix seconds, ``network`` is a
vcycle.core.network.NetworkPlan, ignored where the URI has no networks; ``flags`` are
libvirt's for the making of a domain. It is a Service;
the threads must start before it and stop after it. ``prepare`` may be awaited before
anything else, and has to be where something listens on the network's host address.
"""

from __future__ import annotations

from collections.abc import Collection
from threading import Lock
from typing import Callable, TypeVar

import libvirt
from attrs import evolve, frozen
from twisted.application.service import Service
from zope.interface import implementer

from vcycle.core.domain import domain_xml
from vcycle.core.errors import BadRequest
from vcycle.core.machine import Capacity, Record, Sighting, Spec, Survey, Traits
from vcycle.core.network import NetworkPlan
from vcycle.core.sharing import Ways
from vcycle.core.userdata import LIMIT
from vcycle.interfaces import IMachineProvider, RunInThread
from vcycle.providers.libvirt.capability import Capability, capability, has_networks
from vcycle.providers.libvirt.connection import Connection, Patience
from vcycle.providers.libvirt.create import create_domain
from vcycle.providers.libvirt.destroy import destroy_domain
from vcycle.providers.libvirt.endings import Endings
from vcycle.providers.libvirt.failures import NoNetwork
from vcycle.providers.libvirt.network import ensure_network
from vcycle.providers.libvirt.sharing import ways
from vcycle.providers.libvirt.survey import Look, Marks, find, look, look_at
from vcycle.providers.libvirt.volumes import placed
from vcycle.threads import IThreadsReactor

R = TypeVar("R")

CALLS = 5  # more at once from one connection libvirt's daemon does not even read


@frozen(kw_only=True)
class Deadlines:
    """How long each kind of call may take, in seconds, its wait for a thread included."""

    look: float = 20.0
    create: float = 120.0
    destroy: float = 30.0
    prepare: float = 60.0


@implementer(IMachineProvider)
class LibvirtProvider(Service):
    """Machines on one hypervisor; what libvirt lists is the truth about them."""

    traits = Traits(settle_seconds=180.0, authoritative=True, max_user_data=LIMIT)

    def __init__(
        self,
        reactor: IThreadsReactor,
        uri: str,
        in_thread: RunInThread,
        clock: Callable[[], float],
        network: NetworkPlan | None = None,
        *,
        mend: bool = True,
        patience: Patience | None = None,
        deadlines: Deadlines | None = None,
        flags: int = 0,
    ) -> None:
        self.uri = uri
        self._flags = flags
        self.connection = Connection(
            reactor, uri, in_thread, self._all_changed, self._lifecycle, patience or Patience()
        )
        self._clock = clock
        self._network = network if has_networks(uri) else None
        self._mend = mend
        self._network_lock = Lock()
        self._network_is_there = False
        self._deadlines = deadlines or Deadlines()
        self._capability: Capability | None = None
        self._ways: Ways | None = None
        self._marks: Marks = {}
        self._endings = Endings()
        self._callback: Callable[[str], None] | None = None

    def startService(self) -> None:
        super().startService()
        self.connection.start()

    def stopService(self) -> None:
        super().stopService()
        self.connection.stop()

    async def prepare(self) -> str:
        """
        Connect, have the network there, and say how machines will run, and why.

        :raises ProviderError: there is no connection, or no network.
        """

        def work(connection: libvirt.virConnect) -> Capability:
            self._ensure_network(connection)
            return self._capability_of(connection)

        found = await self.connection.call(
            f"preparing {self.uri}", work, deadline=self._deadlines.prepare
        )
        return found.reason

    async def survey(self, expected: Collection[str]) -> Survey:
        known, wanted = self._marks, tuple(expected)

        def work(connection: libvirt.virConnect) -> Look:
            return look(connection, wanted, known)

        seen = await self._look("listing machines", work)
        self._marks = seen.marks
        return Survey(
            taken_at=self._clock(),
            complete=seen.problem is None,
            sightings=seen.sightings,
            absent=seen.absent,
            endings=self._endings.known(),
            problem=seen.problem,
        )

    async def create(self, spec: Spec) -> None:
        def work(connection: libvirt.virConnect) -> None:
            self._ensure_network(connection)
            platform = self._capability_of(connection).platform
            try:
                xml = domain_xml(evolve(spec, disks=placed(connection, spec.disks)), platform)
            except ValueError as error:
                raise BadRequest(f"cannot make {spec.record.name!r}: {error}") from error
            create_domain(connection, spec, xml, self._flags)

        try:
            await self.connection.call(
                f"making {spec.record.name}",
                work,
                deadline=self._deadlines.create,
                writing=True,
            )
        except NoNetwork:
            self._network_is_there = False
            raise

    async def destroy(self, record: Record, owner: str) -> None:
        await self.connection.call(
            f"destroying {record.name}",
            lambda connection: destroy_domain(connection, record, owner),
            deadline=self._deadlines.destroy,
            writing=True,
        )

    async def lookup(self, uuid: str) -> Sighting | None:
        def work(connection: libvirt.virConnect) -> Sighting | None:
            domain = find(connection, uuid)
            return None if domain is None else look_at(domain)

        return await self._look(f"looking for {uuid}", work)

    async def capacity(self) -> Capacity:
        found = await self._look("asking for the capacity", self._capability_of)
        return found.capacity

    async def ways(self) -> Ways:
        """
        What directories can be shared by; asked once for each connection.

        :raises ProviderError: no answer.
        """
        found = self._ways
        if found is None:
            found = self._ways = await self._look("asking for ways to share", self._ways_of)
        return found

    def watch(self, callback: Callable[[str], None]) -> None:
        self._callback = callback

    async def _look(self, doing: str, work: Callable[[libvirt.virConnect], R]) -> R:
        return await self.connection.call(doing, work, deadline=self._deadlines.look, vital=True)

    def _ensure_network(self, connection: libvirt.virConnect) -> None:
        """In a thread; once for each connection, however many machines are made at once."""
        if self._network is None:
            return
        with self._network_lock:
            if not self._network_is_there:
                ensure_network(connection, self._network, mend=self._mend)
                self._network_is_there = True

    def _capability_of(self, connection: libvirt.virConnect) -> Capability:
        """In a thread; asked once for each connection."""
        found = self._capability
        if found is None:
            network = None if self._network is None else self._network.name
            found = self._capability = capability(connection, self.uri, network)
        return found

    def _ways_of(self, connection: libvirt.virConnect) -> Ways:
        return ways(connection, self.uri, self._capability_of(connection).platform)

    def _all_changed(self) -> None:
        self._network_is_there = False
        self._capability = None
        self._ways = None
        self._tell("")

    def _lifecycle(self, uuid: str, event: int, detail: int) -> None:
        self._endings.note(uuid, event, detail, self._clock())
        self._tell(uuid)

    def _tell(self, uuid: str) -> None:
        if self._callback is not None:
            self._callback(uuid)
