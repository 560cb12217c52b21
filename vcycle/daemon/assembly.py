"""The daemon's parts put together, once its configuration is known; nothing is opened here."""

from __future__ import annotations

import functools
import os
import random
from collections.abc import Awaitable, Sequence
from typing import Callable

from attrs import frozen
from twisted.application.service import IService

from vcycle.core.config.model import Configuration, Space
from vcycle.core.machine import Record
from vcycle.core.snapshot import Snapshot
from vcycle.core.tally import Tally
from vcycle.credentials.proxies import Proxies
from vcycle.daemon import clocks, events, host
from vcycle.daemon.answering import Answering, facts_of
from vcycle.daemon.claim import spool_of
from vcycle.daemon.compose import Parts, runner_of
from vcycle.daemon.cycle import unremarked
from vcycle.daemon.door import Door, Entrance, names_of
from vcycle.daemon.errorcounts import ErrorCounts
from vcycle.daemon.hypervisors import Hypervisors, IDaemonReactor
from vcycle.daemon.imaging import Imaging
from vcycle.daemon.listening import Listening
from vcycle.daemon.monitoring import Monitoring
from vcycle.daemon.others import Others, hung
from vcycle.daemon.published import Published
from vcycle.daemon.space import SpaceRunner
from vcycle.daemon.spaces import Spaces
from vcycle.daemon.steering import Steering
from vcycle.daemon.talking import Talking
from vcycle.daemon.wayout import WayOut, endpoint
from vcycle.disks.qemu import QemuDisks
from vcycle.exports.kernel import KernelExports
from vcycle.interfaces import RunInThread
from vcycle.monitor.place import socket_path
from vcycle.monitor.statussocket import StatusSocket
from vcycle.store.accounts import Accounts
from vcycle.store.jsonfile import ClockFile
from vcycle.store.machines import MachineStore


@frozen(kw_only=True)
class Assembly:
    """
    What runs: ``services`` in the order in which they start. ``content`` gives a published
    document by its path, empty or None if there is none. ``hush`` says that the daemon stops,
    so that what others do not hear of it is no news. ``imaging`` fetches.
    """

    services: tuple[IService, ...]
    spaces: Spaces
    imaging: Imaging
    hush: Callable[[], None]
    content: Callable[[str], bytes | None]


def assemble(
    reactor: IDaemonReactor,
    configuration: Configuration,
    *,
    files: RunInThread,
    planners: RunInThread,
    reload: Callable[[], Awaitable[None]],
    sweep: Callable[[], None],
    piped: Callable[[], None],
    entrance: Entrance | None = None,
    way: WayOut | None = None,
    remarks: Callable[[Space], Sequence[str]] = unremarked,
    pending: Callable[[], Sequence[str]] = tuple,
) -> Assembly:
    """
    Everything between the configuration and the spaces.

    ``files`` are threads for what waits for a disk, ``planners`` for what computes; ``reload``
    reads the configuration again if it changed; ``sweep`` is called between cycles, ``piped`` when
    a vacuum pipe's document is another; ``entrance`` is what was bound for those who watch before
    anything was claimed; ``way`` leads out of the fence, if there is one; ``remarks`` are problems
    of a space that keep nothing from being made; ``pending`` are settings whose new values wait for
    the next start.
    """
    settings = configuration.settings
    state_dir = settings.state_dir
    tally = Tally()
    hypervisors = Hypervisors(reactor, clocks.wall, spool_of(state_dir), tally.call)
    serving: dict[str, Callable[[], bool]] = {}
    look = functools.partial(facts_of, state_dir, clocks.wall, serving)
    published = Published(planners, clocks.wall, lambda: monitoring.problems())
    answering = Answering(
        reactor,
        settings.vacquery_port,
        settings.vacquery_interface,
        in_thread=planners,
        clock=clocks.wall,
        look=look,
    )
    talking = Talking(
        reactor,
        settings,
        in_thread=files,
        clock=clocks.wall,
        look=look,
        know=answering.know,
    )

    imaging = Imaging(
        reactor,
        settings,
        tell=events.images,
        woken=lambda: spaces.wake(),
        piped=piped,
        connect=None if way is None else functools.partial(endpoint, reactor, way),
    )

    def problems() -> list[str]:
        """Those of the daemon; a new value itself may be nobody's business."""
        waits = (*pending(), *spaces.pending)
        told = (f"{what} was changed, which takes effect at the next start" for what in waits)
        return [p for p in (door.problem, *(s.problem for s in listening), *told) if p]

    accounts = Accounts(state_dir, files)
    listening: list[Listening] = []
    monitoring = Monitoring(
        state_dir,
        files,
        planners,
        clocks.wall,
        tally,
        Others(
            spaces=lambda: spaces.wanted,
            responder=lambda: answering.listening if settings.vacquery_port else None,
            answers=lambda of: answering.answers(of) if settings.vacquery_port else None,
            queries=lambda: answering.counts,
            hung=lambda: hung(
                {
                    "files": files,
                    "plans": planners,
                    "images": imaging.threads,
                    "proofs": imaging.proving,
                    **hypervisors.pools,
                }
            ),
            images=imaging.rows,
            waiting=accounts.waiting,
            problems=problems,
        ),
    )
    door = Door(reactor, settings, monitoring, functools.partial(names_of, configuration), entrance)

    def publish(snapshot: Snapshot) -> None:
        monitoring.publish(snapshot)
        published.publish(snapshot)
        answering.publish(snapshot)
        talking.publish(snapshot)

    def ended(space: Space, record: Record) -> None:
        monitoring.ended(space, record)
        talking.ended(space, record)

    steering = Steering.of(settings, files, clocks.wall)
    parts = Parts(
        owner=host.owner(state_dir),
        clock=clocks.wall,
        clocks=clocks.ClockWatch(ClockFile(os.path.join(state_dir, "clock.json"), files)),
        host=functools.partial(host.look, state_dir),
        in_thread=planners,
        disks=QemuDisks(files),
        exports=KernelExports(files),
        accounts=accounts,
        images=imaging.images,
        credentials=Proxies(in_thread=files, clock=clocks.wall),
        directory=functools.partial(os.path.join, state_dir, "machinetypes"),
        publish=publish,
        reload=reload,
        peers=talking.look_around,
        ended=ended,
        last=monitoring.last,
        remarks=lambda of: (*remarks(of), *answering.remarks(of.name)),
        hearts=answering.hearts,
        drains=steering.drained,
        journal=steering.write,
    )

    def build(space: Space, wake: Callable[[], None]) -> SpaceRunner:
        hypervisor = hypervisors.of(space)
        serving[space.name] = lambda: hypervisor.server.since is not None
        hypervisor.provider.watch(lambda _: spaces.wake(hypervisor.uri))
        store = MachineStore(state_dir, space.name, files)
        return runner_of(parts, space, store, hypervisor, wake)

    def left(space: str) -> None:
        hypervisors.leave(space)
        published.withdraw(space)
        answering.withdraw(space)
        talking.withdraw(space)
        monitoring.withdraw(space)

    spaces = Spaces(reactor, build, left, sweep, tally.cycle, random.random)

    def content(path: str) -> bytes | None:
        document = imaging.content(path)
        return published.content(path) if document is None else document

    asked = StatusSocket(reactor, socket_path(state_dir), content)
    listening += [
        Listening(reactor, asked, "commands cannot ask this daemon"),
        Listening(reactor, steering.socket(reactor, spaces), "no orders can be given"),
    ]
    services: list[IService] = [ErrorCounts(tally.error), imaging, hypervisors, *listening]
    services += [answering, talking, door, spaces]
    return Assembly(
        services=tuple(services),
        spaces=spaces,
        imaging=imaging,
        hush=talking.hush,
        content=content,
    )
