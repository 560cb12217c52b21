"""What the daemon says to others: questions to factories, status messages, the hourly census."""

from __future__ import annotations

import secrets
from collections.abc import Coroutine, Mapping
from typing import Any, Callable

from attrs import evolve
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from vcycle.core.config.model import Settings, Space
from vcycle.core.errors import VcycleError
from vcycle.core.machine import Record, State, Traces
from vcycle.core.observation import Reviewed
from vcycle.core.peers import Peers
from vcycle.core.snapshot import Snapshot
from vcycle.core.vacquery.bodies import factory_status, machine_status, machinetype_statuses
from vcycle.core.vacquery.encode import encode_answer
from vcycle.core.vacquery.facts import FactoryFacts
from vcycle.core.vacquery.messages import UNSOLICITED, Answer, FactoryStatus, Kind
from vcycle.daemon import events
from vcycle.daemon.hypervisors import IDaemonReactor
from vcycle.daemon.peers import LatestPeers
from vcycle.daemon.secretfile import read_secret
from vcycle.interfaces import RunInThread
from vcycle.store.census import Census
from vcycle.threads import PrivateThreads
from vcycle.vacquery.announcer import Announcer, Receiver
from vcycle.vacquery.asker import Asker
from vcycle.vacquery.names import AT_ONCE, LOOKUP_SECONDS, Names
from vcycle.vacquery.peers import UdpPeers

CENSUS_SECONDS = 3600.0
STATUS_SHARE = 0.9
"""Status messages leave once in this share of a cycle, however many early ones there are."""

SALT_BYTES = 32
REPLACEMENTS = 8


class Talking(MultiService):
    """
    ``in_thread`` runs what reads files or computes; ``look`` tells of the host, blocking;
    ``know`` is told the addresses of a space's factories, our own included.

    Nothing here delays a cycle but ``look_around``, which ends within udp_timeout_seconds.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: IDaemonReactor,
        settings: Settings,
        *,
        in_thread: RunInThread,
        clock: Callable[[], float],
        look: Callable[[Snapshot], FactoryFacts],
        know: Callable[[str, set[str]], None],
        names: Names | None = None,
    ) -> None:
        super().__init__()
        self._reactor = reactor
        self._in_thread = in_thread
        self._clock = clock
        self._look = look
        self._know = know
        self._state_dir = settings.state_dir
        if names is None:
            pool = PrivateThreads(reactor, "names", AT_ONCE, LOOKUP_SECONDS, ceiling=REPLACEMENTS)
            pool.setServiceParent(self)
            names = Names(reactor, pool)
        self._names = names
        self._asker = Asker(
            reactor=reactor,
            names=names,
            clock=clock,
            salt=lambda: secrets.token_urlsafe(SALT_BYTES),
            secret=self._secret,
            port=settings.vacquery_port,
            interface=settings.vacquery_interface,
        )
        self._latest = LatestPeers(UdpPeers(self._asker, clock), clock)
        self._announcer = Announcer(reactor, names)
        self._last: dict[tuple[str, str], float] = {}
        self._troubles: dict[object, str] = {}
        self._hushed = False

    def stopService(self) -> Deferred[None]:
        self.hush()
        self._announcer.stop()
        stopped: Deferred[None] = super().stopService()
        return stopped

    def hush(self) -> None:
        """Wait for no more answers, and complain of nothing: who asks now gets what there is."""
        self._hushed = True
        self._asker.stop()

    async def look_around(self, space: Space, early: bool) -> Peers:
        """What is known of the other factories; they are asked unless the cycle is early."""
        if not early and self._asker.port:
            self._aside(self._introduce(space), space)
        return await self._latest.look(space, early)

    def publish(self, snapshot: Snapshot) -> None:
        """Tell receivers, and take the census, as far as it is time for that."""
        space = snapshot.space
        if space.vacmon_hostport and self._due("status", space, STATUS_SHARE * space.cycle_seconds):
            self._aside(self._announce(snapshot), space)
        if self._due("census", space, CENSUS_SECONDS):
            self._aside(self._count(snapshot), space)

    def ended(self, space: Space, record: Record) -> None:
        """Tell receivers of a machine that is over."""
        if not space.vacmon_hostport:
            return
        reviewed = Reviewed(record=record, state=State.ENDED)
        status = machine_status(space, reviewed, Traces(), num_machines=1)
        try:
            datagram = encode_answer(evolve(status, time_sent=int(self._clock())))
        except VcycleError as error:
            self._log.debug("{space}: an end is not told: {error}", space=space.name, error=error)
            return
        self._announcer.announce(space.vacmon_hostport, (datagram,))

    def withdraw(self, space: str) -> None:
        """The space is no more."""
        self._latest.withdraw(space)
        for what in ("status", "census"):
            self._last.pop((what, space), None)

    def _due(self, what: str, space: Space, every: float) -> bool:
        now, key = self._reactor.seconds(), (what, space.name)
        if key in self._last and now - self._last[key] < every:
            return False
        self._last[key] = now
        return True

    def _aside(self, work: Coroutine[Any, Any, None], space: Space) -> None:
        """Have something done beside the cycle, which it cannot disturb."""

        async def guarded() -> None:
            try:
                await work
            except VcycleError as error:
                self._log.debug("{space}: {error}", space=space.name, error=error)
            except Exception:
                self._log.failure("{space}: what was to be said failed", space=space.name)

        Deferred.fromCoroutine(guarded())

    async def _introduce(self, space: Space) -> None:
        """Have the responder know whom it may answer, as soon as that is known."""
        names = {space.factory_name, *space.factories}
        found = await self._names.find(names, LOOKUP_SECONDS)
        self._know(space.name, {address for hosts in found.values() for address in hosts})

    async def _announce(self, snapshot: Snapshot) -> None:
        space, now = snapshot.space, int(self._clock())

        def datagrams() -> list[bytes]:
            statuses: tuple[Answer, ...] = (
                factory_status(snapshot, self._look(snapshot)),
                *machinetype_statuses(snapshot),
            )
            return [encode_answer(evolve(status, time_sent=now)) for status in statuses]

        wanted = await self._in_thread(datagrams)
        for receiver in space.vacmon_hostport:
            self._tell(space, receiver, self._announcer.trouble.get(receiver))
        self._announcer.announce(space.vacmon_hostport, wanted)

    def _tell(self, space: Space, receiver: Receiver, trouble: str | None) -> None:
        host, port = receiver
        text = trouble and f"status messages do not reach {host}:{port}: {trouble}"
        self._say(space, receiver, text)

    async def _count(self, snapshot: Snapshot) -> None:
        space = snapshot.space
        found = await self._asker.ask(Kind.FACTORY, space, space.udp_timeout_seconds)
        own = await self._in_thread(lambda: factory_status(snapshot, self._look(snapshot)))
        statuses: dict[str, FactoryStatus] = {space.factory_name: own}
        for factory, row in found.heard.items():
            for heard in row:
                if isinstance(heard.answer, FactoryStatus):
                    statuses[factory] = heard.answer
        try:
            await self._census(space).write(_entries(statuses), self._clock())
            self._say(space, "census", None)
        except VcycleError as error:
            self._say(space, "census", f"the census is not kept: {error}")

    def _census(self, space: Space) -> Census:
        return Census(self._state_dir, space.name, self._in_thread)

    def _say(self, space: Space, what: object, text: str | None) -> None:
        """An alarm, once for as long as there is one."""
        key = (space.name, what)
        if text and key not in self._troubles and not self._hushed:
            events.alarmed(space.name, text)
        if text:
            self._troubles[key] = text
        else:
            self._troubles.pop(key, None)

    async def _secret(self, space: Space) -> bytes | None:
        path = space.vacquery_secret_file
        return None if path is None else await self._in_thread(lambda: read_secret(path))


def _entries(statuses: Mapping[str, FactoryStatus]) -> dict[str, bytes]:
    return {
        factory: encode_answer(evolve(status, cookie=UNSOLICITED)) + b"\n"
        for factory, status in statuses.items()
    }
