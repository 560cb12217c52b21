"""A factory put together as the daemon does it, on the real reactor, over any provider."""

from __future__ import annotations

import functools
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Callable

from attrs import define
from twisted.application.service import MultiService
from twisted.logger import globalLogBeginner

from vcycle.core.addresses import GuestNetwork
from vcycle.core.config.build import read
from vcycle.core.config.model import Space
from vcycle.daemon import clocks, host
from vcycle.daemon.compose import Parts, runner_of
from vcycle.daemon.garbage import Sweeper
from vcycle.daemon.guestbook import GuestBook
from vcycle.daemon.hypervisor import Hypervisor
from vcycle.daemon.logs import Lines, filtered
from vcycle.daemon.published import Published
from vcycle.daemon.service import FILE_SECONDS, FILE_THREADS, PLAN_SECONDS, PLAN_THREADS
from vcycle.daemon.serving import GuestServer
from vcycle.daemon.space import SpaceRunner
from vcycle.guests.site import make_site
from vcycle.images.local import LocalImages
from vcycle.interfaces import IDisks, IImages, IMachineProvider
from vcycle.store.accounts import Accounts
from vcycle.store.jsonfile import ClockFile
from vcycle.store.machines import MachineStore
from vcycle.threads import PrivateThreads

OWNER = "0123456789abcdef"
SPACE = "bench.example.com"
FACTORY = "factory1.example.com"

FOREIGN_MB = 16_384
"""libvirt's test driver begins with a large machine of its own."""

SETTINGS = """\
[settings]
vcycle_space = {space}
factory_name = {factory}
libvirt_uri = {uri}
guest_http_port = 0
total_processors = {machines}
total_mb = {room}
creations_per_cycle = {machines}
mb_per_processor = {memory}
overload_per_processor = 100
cycle_seconds = 60
"""


def settings(uri: str, machines: int, memory: int) -> str:
    """A configuration without machinetypes: room for so many machines, made in one cycle."""
    return SETTINGS.format(
        space=SPACE,
        factory=FACTORY,
        uri=uri,
        machines=machines,
        memory=memory,
        room=machines * memory + FOREIGN_MB,
    )


@define(eq=False)
class Factory:
    """
    The parts of one space; ``threads`` are started already, and stop with it.

    ``runner`` runs its cycles one at a time, as they are asked for.
    """

    space: Space
    runner: SpaceRunner
    hypervisor: Hypervisor
    published: Published
    sweeper: Sweeper
    services: MultiService

    async def cycle(self, early: bool = False) -> None:
        """One cycle, and what the daemon does after each."""
        await self.runner.run(early)
        self.sweeper.sweep()

    async def empty_cycle(self) -> None:
        """A cycle that opens and prepares everything, and makes no machine."""
        self.runner.problems = ("the benchmark has not begun",)
        await self.cycle()
        self.runner.problems = ()

    def stop(self) -> None:
        """Let go of threads and sockets, waiting for nothing."""
        self.services.stopService()


def factory(
    reactor: Any,
    place: Path,
    text: str,
    provider: IMachineProvider,
    *,
    disks: Callable[[PrivateThreads], IDisks],
    images: IImages | None = None,
    network: GuestNetwork | None = None,
    prepare: Callable[[], Awaitable[str]] | None = None,
    wake: Callable[[], None] = lambda: None,
) -> Factory:
    """The factory of the one space of a configuration's text, its state kept below ``place``."""
    configuration = read([("benchmark.conf", text)], FACTORY)
    [space] = configuration.spaces.values()
    services = MultiService()
    files = PrivateThreads(reactor, "files", FILE_THREADS, FILE_SECONDS, ceiling=8)
    planners = PrivateThreads(reactor, "plans", PLAN_THREADS, PLAN_SECONDS, ceiling=8)
    book = GuestBook()
    server = GuestServer(
        reactor,
        make_site(book, reactor),
        "127.0.0.1",
        0,
        user_networking=network is None,
        clock=clocks.wall,
    )
    for service in (files, planners, server):
        service.setServiceParent(services)
    services.startService()
    sweeper = Sweeper()
    sweeper.settle()
    hypervisor = Hypervisor(
        uri=space.libvirt_uri,
        provider=provider,
        network=network,
        book=book,
        server=server,
        prepare=prepare or _prepared,
    )
    published = Published(planners, clocks.wall)
    parts = Parts(
        owner=OWNER,
        clock=clocks.wall,
        clocks=clocks.ClockWatch(ClockFile(str(place / "clock.json"), files)),
        host=functools.partial(host.look, str(place)),
        in_thread=planners,
        disks=disks(files),
        accounts=Accounts(str(place), files),
        images=images or LocalImages(files),
        directory=lambda name: str(place / "machinetypes" / name),
        publish=published.publish,
        reload=_nothing,
    )
    store = MachineStore(str(place), space.name, files)
    return Factory(
        space=space,
        runner=runner_of(parts, space, store, hypervisor, wake),
        hypervisor=hypervisor,
        published=published,
        sweeper=sweeper,
        services=services,
    )


def begin_log(file: Path) -> None:
    """Write the operator's lines into a file, as the daemon does."""
    out = file.open("w", encoding="utf-8")
    globalLogBeginner.beginLoggingTo(
        [filtered(Lines(out, journal=False), debug=False)], redirectStandardIO=False
    )


async def _prepared() -> str:
    return "a benchmark"


async def _nothing() -> None:
    """There is no configuration file that could change."""
