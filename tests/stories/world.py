"""A simulated world: the real daemon's factory over verified fakes and a clock that we turn."""

from __future__ import annotations

import io
import itertools
import random
import uuid
from collections.abc import Collection, Coroutine, Iterator
from typing import Callable, TypeVar, cast

from attrs import Factory, define, field
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from zope.interface import implementer

from vcycle.core.addresses import GuestNetwork
from vcycle.core.clock import Reading
from vcycle.core.config.build import read
from vcycle.core.config.model import Configuration, Problem, Space
from vcycle.core.errors import StoreError
from vcycle.core.machine import Capacity, Record, Sighting, Spec, Survey, Traits
from vcycle.core.observation import Host
from vcycle.core.snapshot import Snapshot
from vcycle.daemon.clocks import ClockWatch
from vcycle.daemon.compose import Parts, runner_of
from vcycle.daemon.cycle import Cycle
from vcycle.daemon.guestbook import GuestBook
from vcycle.daemon.hypervisor import Hypervisor
from vcycle.daemon.serving import GuestServer
from vcycle.daemon.space import SpaceRunner
from vcycle.daemon.spaces import Spaces
from vcycle.guests.site import make_site
from vcycle.interfaces import IMachineProvider, RunInThread
from vcycle.testing.accounts import MemoryAccounts, Spool
from vcycle.testing.disks import MemoryDisks
from vcycle.testing.images import MemoryImages
from vcycle.testing.provider import MemoryProvider
from vcycle.testing.store import Disk, Killed, MemoryStore

R = TypeVar("R")
START = 1767225600.0
HOUR = 3600.0
DAY = 86400.0
OWNER = "0123456789abcdef"
SPACE = "space.example.com"
MACHINE = "atlas"

SETTINGS = """\
[settings]
vcycle_space = {space}
factory_name = factory1.example.com
libvirt_uri = test:///default
total_processors = {processors}
cycle_seconds = 60
mb_per_processor = 1024
{more}
"""
MACHINETYPE = """
[machinetype {name}]
target_share = {share}
machine_model = vm-raw
root_image = /images/{name}.img
user_data = /images/{name}.user_data
max_wallclock_seconds = 86400
backoff_seconds = 600
fizzle_seconds = 600
{more}
"""


def settings(processors: int = 8, more: str = "", space: str = SPACE) -> str:
    """The text of a [settings] section."""
    return SETTINGS.format(space=space, processors=processors, more=more)


def machinetype(name: str = MACHINE, share: float = 1, more: str = "") -> str:
    """The text of a [machinetype] section; ``more`` comes last and wins."""
    return MACHINETYPE.format(name=name, share=share, more=more)


@define(eq=False)
class Guest:
    """A machine as it is from inside: it can beat, speak and end, while it exists."""

    world: World
    record: Record

    @property
    def there(self) -> bool:
        """Does the machine still exist?"""
        return self.record.uuid in self.world.provider.machines

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        """Do something later, if the machine still exists then."""
        self.world.reactor.callLater(seconds, lambda: act() if self.there else None)

    def put(self, name: str, text: str) -> None:
        """Leave a job output; while the daemon is down it is lost."""
        book = self.world.book
        record = None if book is None else book.by_secret(self.record.secret)
        if book is not None and record is not None:
            putting = Deferred.fromCoroutine(book.put(record, name, io.BytesIO(text.encode())))
            putting.addErrback(lambda failure: failure.trap(StoreError, Killed) and None)

    def beat(self, every: float, name: str = "heartbeat") -> None:
        """Beat now and for ever."""
        self.put(name, "beat")
        self.after(every, lambda: self.beat(every, name))

    @staticmethod
    def arrive(world: World) -> None:
        """Whatever was on its way to the provider is made now."""
        world.provider.arrive()

    def finish(self, message: str) -> None:
        """Say how it went, and power off a moment later."""
        self.put("shutdown_message", message)
        self.after(1.0, lambda: self.world.provider.end(self.record.uuid))


Life = Callable[[Guest], None]


def works(seconds: float, message: str = "200 Success") -> Life:
    """A life that works so long and says how it went."""
    return lambda guest: guest.after(seconds, lambda: guest.finish(message))


def dies(seconds: float) -> Life:
    """A life that ends without a word."""
    return lambda guest: guest.after(seconds, lambda: guest.world.provider.end(guest.record.uuid))


def hangs(guest: Guest) -> None:
    """A life that never does anything."""


@define
class Fuse:
    """Ends the daemon when it ``tick``s for the ``at``-th time; a dead daemon does nothing."""

    at: int | None = None
    ticks: int = 0
    burnt: bool = False

    def tick(self, *what: object) -> None:
        """One step that the daemon takes."""
        self.ticks += 1
        self.burnt = self.burnt or self.ticks == self.at
        if self.burnt:
            raise Killed


@implementer(IMachineProvider)
@define
class FusedProvider:
    """A provider that ticks before and after each call."""

    _real: MemoryProvider
    _fuse: Fuse

    @property
    def traits(self) -> Traits:
        return self._real.traits

    async def survey(self, expected: Collection[str]) -> Survey:
        return await self._ticking(self._real.survey(expected))

    async def create(self, spec: Spec) -> None:
        try:
            self._fuse.tick()
        except Killed:
            # The request had left, and is still on its way.
            if self._fuse.ticks == self._fuse.at:
                self._real.delayed.append(spec)
            raise
        await self._real.create(spec)
        self._fuse.tick()

    async def destroy(self, record: Record, owner: str) -> None:
        await self._ticking(self._real.destroy(record, owner))

    async def lookup(self, uuid: str) -> Sighting | None:
        return await self._ticking(self._real.lookup(uuid))

    async def capacity(self) -> Capacity:
        return await self._ticking(self._real.capacity())

    def watch(self, callback: Callable[[str], None]) -> None:
        self._real.watch(callback)

    async def _ticking(self, call: Coroutine[object, object, R]) -> R:
        try:
            self._fuse.tick()
        except Killed:
            call.close()
            raise
        answer = await call
        self._fuse.tick()
        return answer


@define(eq=False)
class World:
    """
    One host with its provider and disk, which outlive the daemon; ``boot`` starts a daemon,
    ``kill`` throws it away at whatever it is doing.
    """

    text: str
    lives: dict[str, Life] = Factory(dict)
    reactor: MemoryReactorClock = Factory(MemoryReactorClock)
    disks: MemoryDisks = Factory(lambda: MemoryDisks(images=_AllImages()))
    stores: dict[str, Disk] = Factory(dict)
    spool: Spool = Factory(Spool)
    clock_file: dict[str, object] = Factory(dict)
    host: Host = Host(processors=8, load=0.0, disk_free=1 << 40)
    skew: float = 0.0
    fuse: Fuse = Factory(Fuse)
    snapshots: dict[str, Snapshot] = Factory(dict)
    readers: list[Callable[[Snapshot], object]] = Factory(list)
    made: list[Record] = Factory(list)
    problems: tuple[Problem, ...] = ()
    documents: dict[str, bytes] = Factory(dict)
    provider: MemoryProvider = field(init=False)
    book: GuestBook | None = field(init=False, default=None)
    spaces: Spaces | None = field(init=False, default=None)
    hypervisor: Hypervisor = field(init=False)
    _uuids: Iterator[str] = field(init=False)
    _alive: set[str] = Factory(set)
    _read: dict[str, Configuration] = Factory(dict)

    def __attrs_post_init__(self) -> None:
        self.reactor.advance(START)
        self.provider = MemoryProvider(
            clock=self.now, room=Capacity(processors=64, memory_mb=1 << 20)
        )
        chance = random.Random(1)
        self._uuids = (
            str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in itertools.count()
        )

    def now(self) -> float:
        """The wall clock, which ``skew`` sets."""
        return self.reactor.seconds() + self.skew

    def boot(self) -> World:
        """Start a daemon on what is there."""
        book = self.book = GuestBook()
        fuse = self.fuse
        provider: IMachineProvider = FusedProvider(self.provider, fuse)
        server = GuestServer(
            self.reactor,
            make_site(book, self.reactor),
            "169.254.169.254",
            80,
            user_networking=False,
            clock=self.now,
        )
        server.startService()
        self.hypervisor = Hypervisor(
            uri="test:///default",
            provider=provider,
            network=GuestNetwork.parse("169.254.0.0/16"),
            book=book,
            server=server,
            prepare=self._prepare,
        )
        clocks = ClockWatch(_ClockFile(self.clock_file), self._reading)
        parts = Parts(
            owner=OWNER,
            clock=self.now,
            clocks=clocks,
            host=lambda: self.host,
            in_thread=_ticking(fuse),
            disks=self.disks,
            accounts=MemoryAccounts(self.spool, on_write=fuse.tick),
            images=MemoryImages(_Everything()),
            directory=lambda name: f"/memory/machinetypes/{name}",
            publish=self._publish,
            reload=self._reload,
            uuid=lambda: next(self._uuids),
            secret=lambda: f"secret-of-{next(self._uuids)}",
        )

        def build(space: Space, wake: Callable[[], None]) -> SpaceRunner:
            disk = self.stores.setdefault(space.name, Disk())
            store = MemoryStore(space.name, disk, on_write=fuse.tick)
            return runner_of(parts, space, store, self.hypervisor, wake)

        spaces = self.spaces = Spaces(self.reactor, build, lambda name: None)
        provider.watch(lambda _: spaces.wake())
        spaces.startService()
        spaces.apply(self.configuration)
        return self

    @property
    def configuration(self) -> Configuration:
        """The text and the pipes' documents as they are now, read once."""
        key = repr((self.text, self.documents))
        if key not in self._read:
            texts = [("test.conf", self.text)]
            self._read[key] = read(texts, "factory1.example.com", self.documents)
        return self._read[key]

    def kill(self) -> None:
        """The daemon is gone: nothing that it was about to do will happen."""
        for call in self.reactor.getDelayedCalls():
            if "Guest" not in repr(getattr(call, "func", None)):
                call.cancel()
        self.book = self.spaces = None
        self.provider.watch(lambda _: None)

    def advance(self, seconds: float) -> World:
        """Let time pass, from one thing that happens to the next."""
        until = self.reactor.seconds() + seconds
        while True:
            self._animate()
            times = [call.getTime() for call in self.reactor.getDelayedCalls()]
            soonest = min(times, default=until)
            if soonest > until:
                break
            self.reactor.advance(max(0.0, soonest - self.reactor.seconds()))
            if not times:
                break
        self.reactor.advance(max(0.0, until - self.reactor.seconds()))
        self._animate()
        return self

    def configure(self, text: str) -> None:
        """Another configuration, which the next cycle finds."""
        self.text = text

    @property
    def cycle(self) -> Cycle:
        """The cycle of the one space."""
        assert self.spaces is not None
        [running] = self.spaces._running.values()
        assert running.runner.cycle is not None
        return running.runner.cycle

    @property
    def snapshot(self) -> Snapshot:
        """What the one space published last."""
        [snapshot] = self.snapshots.values()
        return snapshot

    def living(self, name: str | None = None) -> list[Record]:
        """Records of machines that are not over, on disk."""
        return [r for r in self.records() if r.ended_at is None and name in (None, r.machinetype)]

    def over(self, name: str | None = None) -> list[Record]:
        """Records of machines that are over, on disk, the oldest first."""
        ended = [
            r for r in self.records() if r.ended_at is not None and name in (None, r.machinetype)
        ]
        return sorted(ended, key=lambda record: record.ended_at or 0.0)

    def records(self) -> list[Record]:
        """All records on disk."""
        return [record for disk in self.stores.values() for record in disk.records.values()]

    def verdicts(self) -> dict[str, str]:
        """The last verdict's word on each machinetype."""
        return {verdict.machinetype: verdict.word for verdict in self.snapshot.verdicts}

    def _publish(self, snapshot: Snapshot) -> None:
        self.snapshots[snapshot.space.name] = snapshot
        for reader in self.readers:
            reader(snapshot)

    async def _prepare(self) -> str:
        return "simulated"

    async def _reload(self) -> None:
        assert self.spaces is not None
        try:
            configuration = self.configuration
        except Exception as error:
            self.spaces.refuse((Problem(file="test.conf", line=1, text=str(error)),))
            return
        self.spaces.refuse(())
        self.spaces.apply(configuration)

    def _reading(self) -> Reading:
        return Reading(boot="boot", wall=self.now(), since_boot=self.reactor.seconds() - START)

    def _animate(self) -> None:
        """Machines that have been made since begin to live."""
        for identity, spec in list(self.provider.specs.items()):
            if identity not in self._alive:
                self._alive.add(identity)
                self.made.append(spec.record)
                life = self.lives.get(spec.record.machinetype, hangs)
                life(Guest(self, spec.record))


class _AllImages(set[str]):
    """Whatever is below /images is there."""

    def __contains__(self, path: object) -> bool:
        return str(path).startswith("/images/")


class _Everything(dict[str, bytes]):
    """Every file is there."""

    def get(self, key: str, default: object = None) -> bytes:
        return b"#!/bin/sh\n"

    def __missing__(self, key: str) -> bytes:
        return b"#!/bin/sh\n"


@define
class _ClockFile:
    content: dict[str, object]

    async def read(self) -> dict[str, object]:
        return dict(self.content)

    async def write(self, readings: object, /) -> None:
        self.content.clear()
        self.content.update(cast("dict[str, object]", readings))


def _ticking(fuse: Fuse) -> RunInThread:
    """A RunInThread that has no thread, and ticks before and after."""

    async def run(work: Callable[[], R], deadline: float | None = None) -> R:
        fuse.tick()
        answer = work()
        fuse.tick()
        return answer

    return run
