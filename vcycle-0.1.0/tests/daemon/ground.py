"""One space's parts over verified fakes, for tests of what works on them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Callable

from attrs import Factory, define, field
from twisted.internet.testing import MemoryReactorClock

from tests.core.values import NOW, OWNER, SPACE, machinetype, space, uuid
from tests.inplace import in_place
from vcycle.core.addresses import GuestNetwork, slot_name
from vcycle.core.clock import Reading
from vcycle.core.config.model import Space
from vcycle.core.machine import Capacity, Forming, Record
from vcycle.core.observation import Creation, Host
from vcycle.core.sharing import Ways
from vcycle.core.snapshot import Snapshot
from vcycle.daemon.clocks import ClockWatch
from vcycle.daemon.compose import Parts, runner_of
from vcycle.daemon.creation import Maker
from vcycle.daemon.cycle import Cycle
from vcycle.daemon.delivery import Delivery
from vcycle.daemon.guestbook import GuestBook
from vcycle.daemon.hypervisor import Hypervisor
from vcycle.daemon.knowledge import Knowledge
from vcycle.daemon.lending import Lending
from vcycle.daemon.materials import Materials
from vcycle.daemon.outfit import Outfit
from vcycle.daemon.peers import LatestPeers
from vcycle.daemon.perform import Performer
from vcycle.daemon.serving import GuestServer
from vcycle.daemon.space import SpaceRunner
from vcycle.guests.site import make_site
from vcycle.interfaces import ICredentials
from vcycle.testing.accounts import MemoryAccounts
from vcycle.testing.disks import MemoryDisks
from vcycle.testing.exports import MemoryExports
from vcycle.testing.images import MemoryImages
from vcycle.testing.peers import MemoryPeers
from vcycle.testing.provider import MemoryProvider
from vcycle.testing.store import Disk, MemoryStore
from vcycle.testing.volumes import MemoryVolumes

IMAGE = "/images/root.qcow2"
MATERIALS = Materials(image=IMAGE, template=b"#!/bin/sh\n# ##user_data_uuid##\n")


def creation(slot: int = 0, **changes: Any) -> Creation:
    """A creation of one processor in a slot; the machinetype's options may be given."""
    return Creation(
        machinetype=machinetype(**changes),
        slot=slot,
        name=slot_name("factory1.example.com", slot),
        processors=1,
        memory_mb=2048,
        shutdown_time=NOW + 86400,
        reason="share 1, 0 HS06 in use, new",
    )


@define
class NotedDisks(MemoryDisks):
    """Tells of what it forms."""

    note: Callable[[str], None] = print

    async def form(self, wanted: Sequence[Forming]) -> None:
        self.note("form")
        await super().form(wanted)


@define(kw_only=True)
class NotedProvider(MemoryProvider):
    """Tells of what it is asked to make."""

    note: Callable[[str], None] = print

    async def create(self, spec: Any) -> None:
        self.note("create")
        await super().create(spec)


@define
class ClockKept:
    """The clocks' file."""

    content: dict[str, object] = Factory(dict)
    broken: Exception | None = None

    async def read(self) -> dict[str, object]:
        if self.broken is not None:
            raise self.broken
        return dict(self.content)

    async def write(self, readings: Any, /) -> None:
        if self.broken is not None:
            raise self.broken
        self.content = dict(readings)


@define(eq=False)
class Ground:
    """``acts`` are writes, formings and requests in the order in which they came."""

    acts: list[str] = Factory(list)
    reactor: MemoryReactorClock = Factory(MemoryReactorClock)
    disk: Disk = Factory(Disk)
    other_disks: dict[str, Disk] = Factory(dict)
    knowledge: Knowledge = Factory(Knowledge)
    images: MemoryImages = Factory(lambda: MemoryImages({IMAGE: b"image"}))
    credentials: ICredentials | None = None
    machinetypes: str = "/machinetypes"
    host: Host = Host(processors=8, load=0.0, disk_free=1 << 40)
    clock_kept: ClockKept = Factory(ClockKept)
    skew: float = 0.0
    published: list[Snapshot] = Factory(list)
    reloads: int = 0
    peers: MemoryPeers = field(init=False)
    ended: list[Record] = Factory(list)
    wakes: int = 0
    numbers: Iterator[int] = Factory(lambda: itertools.count(1000))
    latest: LatestPeers = field(init=False)
    disks: NotedDisks = field(init=False)
    accounts: MemoryAccounts = Factory(MemoryAccounts)
    provider: NotedProvider = field(init=False)
    volumes: MemoryVolumes = Factory(lambda: MemoryVolumes({"vg0": 1 << 40}))
    exports: MemoryExports = Factory(MemoryExports)
    lending: Lending = field(init=False)
    book: GuestBook = Factory(GuestBook)
    hypervisor: Hypervisor = field(init=False)
    store: MemoryStore = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.reactor.advance(NOW)
        self.peers = MemoryPeers(self.now)
        self.latest = LatestPeers(self.peers, self.now)
        self.disks = NotedDisks(images={IMAGE}, note=self.acts.append)
        self.provider = NotedProvider(
            clock=self.now,
            note=self.acts.append,
            room=Capacity(processors=64, memory_mb=1 << 20),
        )
        self.store = self.new_store()
        server = GuestServer(
            self.reactor,
            make_site(self.book, self.reactor),
            "127.0.0.1",
            8080,
            user_networking=True,
            clock=self.now,
        )
        server.startService()
        self.hypervisor = Hypervisor(
            uri="test:///default",
            provider=self.provider,
            network=GuestNetwork.parse("192.168.7.0/24"),
            book=self.book,
            server=server,
            prepare=self._prepare,
            volumes=self.volumes,
            ways=self._ways,
        )
        self.lending = Lending(
            hypervisor=self.hypervisor, in_thread=in_place, clock=self.now, exports=self.exports
        )

    async def _ways(self) -> Ways:
        return Ways(virtiofs=None, readonly=None, ninep=None)

    async def _prepare(self) -> str:
        return "simulated"

    def now(self) -> float:
        return self.reactor.seconds() + self.skew

    def new_store(self, name: str = SPACE) -> MemoryStore:
        """The store of a daemon that starts now."""

        def note(step: int, what: str) -> None:
            if step % 2:  # told before and after each
                self.acts.append(what)

        disk = self.disk if name == SPACE else self.other_disks.setdefault(name, Disk())
        return MemoryStore(name, disk, on_write=note)

    def directory(self, name: str) -> str:
        return f"{self.machinetypes}/{name}"

    def admit(self, record: Record) -> None:
        self.acts.append("admit")

    @property
    def maker(self) -> Maker:
        numbers = itertools.count(100 + len(self.disk.records))
        return Maker(
            owner=OWNER,
            hypervisor=self.hypervisor,
            store=self.store,
            outfit=Outfit(
                owner=OWNER,
                hypervisor=self.hypervisor,
                store=self.store,
                delivery=Delivery(version="1.0", store=self.store, in_thread=in_place),
                disks=self.disks,
                lending=self.lending,
            ),
            clock=self.now,
            uuid=lambda: uuid(next(numbers)),
            secret=lambda: "very-secret-word",
            admit=self.admit,
        )

    @property
    def performer(self) -> Performer:
        return Performer(
            store=self.store,
            disks=self.disks,
            lending=self.lending,
            accounts=self.accounts,
            provider=self.provider,
            maker=self.maker,
            knowledge=self.knowledge,
            clock=self.now,
            dismiss=lambda record: self.acts.append("dismiss"),
        )

    def runner(self, of: Space | None = None) -> SpaceRunner:
        """The runner of a daemon that starts now."""
        of = of or space()

        def read_clocks() -> Reading:
            return Reading(boot="one", wall=self.now(), since_boot=self.reactor.seconds() - NOW)

        async def reload() -> None:
            self.reloads += 1

        def wake() -> None:
            self.wakes += 1

        parts = Parts(
            exports=self.exports,
            owner=OWNER,
            clock=self.now,
            clocks=ClockWatch(self.clock_kept, read_clocks),
            host=lambda: self.host,
            in_thread=in_place,
            disks=self.disks,
            accounts=self.accounts,
            images=self.images,
            credentials=self.credentials,
            directory=self.directory,
            publish=self.published.append,
            peers=self.latest.look,
            ended=lambda space, record: self.ended.append(record),
            reload=reload,
            uuid=lambda: uuid(next(self.numbers)),
            secret=lambda: f"secret-word-{next(self.numbers)}",
        )
        return runner_of(parts, of, self.new_store(of.name), self.hypervisor, wake)


def cycle_of(runner: SpaceRunner) -> Cycle:
    """The cycle of a runner whose store is open."""
    assert runner.cycle is not None, "the store is open"
    return runner.cycle
