"""One space put together from its parts; nothing is opened or started here."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Awaitable, Coroutine, Sequence
from typing import Any, Callable

from attrs import frozen

from vcycle import __version__
from vcycle.core.config.model import Space
from vcycle.core.drains import Drain
from vcycle.core.machine import Record
from vcycle.core.observation import Host
from vcycle.core.peers import Peers
from vcycle.core.snapshot import Snapshot
from vcycle.daemon.clocks import ClockWatch
from vcycle.daemon.creation import Maker
from vcycle.daemon.cycle import Cycle, Journal, nothing_drained, unremarked, unwatched, unwritten
from vcycle.daemon.delivery import Delivery
from vcycle.daemon.hypervisor import Hypervisor
from vcycle.daemon.knowledge import Knowledge
from vcycle.daemon.lending import Lending
from vcycle.daemon.outfit import Outfit
from vcycle.daemon.peers import nobody
from vcycle.daemon.perform import Performer
from vcycle.daemon.space import SpaceRunner
from vcycle.daemon.telling import Telling
from vcycle.interfaces import (
    IAccounts,
    ICredentials,
    IDisks,
    IExports,
    IImages,
    IMachineStore,
    RunInThread,
)

SECRET_BYTES = 24


def _uuid() -> str:
    return str(uuid.uuid4())


def _secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def _untold(space: Space, record: Record) -> None:
    """Who is told of a machine's end if nobody wants to be."""


@frozen(kw_only=True)
class Parts:
    """
    What spaces are made of. ``clock`` gives Unix seconds; ``host`` looks at the host, blocking;
    ``directory`` gives the directory of a machinetype's own files; ``peers`` tells of the other
    factories; ``ended`` is told of each machine that is over; ``hearts`` names those whose
    heartbeats are written with each cycle, beside the factory's; ``last`` is what each cycle
    does last of all; ``remarks`` are problems of a space that keep nothing from being made.
    """

    owner: str
    clock: Callable[[], float]
    clocks: ClockWatch
    host: Callable[[], Host]
    in_thread: RunInThread
    disks: IDisks
    accounts: IAccounts
    images: IImages
    directory: Callable[[str], str]
    publish: Callable[[Snapshot], None]
    reload: Callable[[], Awaitable[None]]
    peers: Callable[[Space, bool], Coroutine[Any, Any, Peers]] = nobody
    ended: Callable[[Space, Record], None] = _untold
    hearts: Callable[[], Sequence[str]] = tuple
    drains: Callable[[], Coroutine[Any, Any, tuple[Drain, ...]]] = nothing_drained
    journal: Journal = unwritten
    last: Callable[[Snapshot], Awaitable[None]] = unwatched
    remarks: Callable[[Space], Sequence[str]] = unremarked
    uuid: Callable[[], str] = _uuid
    secret: Callable[[], str] = _secret
    credentials: ICredentials | None = None
    exports: IExports | None = None


def runner_of(
    parts: Parts,
    space: Space,
    store: IMachineStore,
    hypervisor: Hypervisor,
    wake: Callable[[], None],
) -> SpaceRunner:
    """The runner of one space."""

    def build(runner: SpaceRunner, knowledge: Knowledge) -> Cycle:
        def admit(record: Record) -> None:
            hypervisor.book.admit(record, runner)

        def dismiss(record: Record) -> None:
            hypervisor.book.dismiss(record)
            parts.ended(runner.space, record)

        lending = Lending(
            hypervisor=hypervisor,
            in_thread=parts.in_thread,
            clock=parts.clock,
            exports=parts.exports,
        )
        maker = Maker(
            owner=parts.owner,
            hypervisor=hypervisor,
            store=store,
            outfit=Outfit(
                owner=parts.owner,
                hypervisor=hypervisor,
                store=store,
                delivery=Delivery(
                    version=__version__,
                    store=store,
                    in_thread=parts.in_thread,
                    credentials=parts.credentials,
                    directory=parts.directory,
                ),
                disks=parts.disks,
                lending=lending,
            ),
            clock=parts.clock,
            uuid=parts.uuid,
            secret=parts.secret,
            admit=admit,
        )
        performer = Performer(
            store=store,
            disks=parts.disks,
            lending=lending,
            accounts=parts.accounts,
            provider=hypervisor.provider,
            maker=maker,
            knowledge=knowledge,
            clock=parts.clock,
            dismiss=dismiss,
        )
        return Cycle(
            space=runner.space,
            owner=parts.owner,
            hypervisor=hypervisor,
            store=store,
            lending=lending,
            images=parts.images,
            credentials=parts.credentials,
            knowledge=knowledge,
            performer=performer,
            clock=parts.clock,
            host=parts.host,
            directory=parts.directory,
            in_thread=parts.in_thread,
            publish=parts.publish,
            peers=parts.peers,
            hearts=parts.hearts,
            drains=parts.drains,
            journal=parts.journal,
            last=parts.last,
            remarks=parts.remarks,
            telling=Telling(space.name),
        )

    return SpaceRunner(
        space=space,
        store=store,
        clocks=parts.clocks,
        clock=parts.clock,
        reload=parts.reload,
        build=build,
        wake=wake,
    )
