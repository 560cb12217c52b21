"""The whole daemon: what starts first, what stops last, and what a signal does."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Mapping
from typing import Any, Callable, TypeVar

from attrs import fields
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from vcycle import __version__
from vcycle.core.config.model import Configuration, Settings, Space
from vcycle.core.errors import VcycleError
from vcycle.daemon import clocks, events, lastgood
from vcycle.daemon.assembly import Assembly, assemble
from vcycle.daemon.claim import claim, here
from vcycle.daemon.configuration import Places, Texts, this_host
from vcycle.daemon.door import Entrance, entrance
from vcycle.daemon.garbage import Sweeper
from vcycle.daemon.hypervisors import IDaemonReactor
from vcycle.daemon.imaging import RELOADED
from vcycle.daemon.logfiles import LogKeeper
from vcycle.daemon.notify import Notifier, Readiness
from vcycle.daemon.ordered import OrderedServices
from vcycle.daemon.pipes import Pipes
from vcycle.daemon.reload import Reloader
from vcycle.daemon.signals import Signals
from vcycle.daemon.spaces import Spaces
from vcycle.daemon.steady import steady
from vcycle.daemon.wayout import WayOut
from vcycle.threads import PrivateThreads

R = TypeVar("R")

FILE_THREADS = 4
FILE_SECONDS = 60.0
PLAN_THREADS = 2
PLAN_SECONDS = 120.0
REPLACEMENTS = 8
PATIENCE = 4.0
"""Seconds that each part may take to stop: all of them have to be over within ten."""

WATCH_SECONDS = 60.0


class Daemon(OrderedServices):
    """
    Reads the configuration, fences itself where guests need it, takes its state directory,
    and runs the spaces. On files that cannot be used it supervises with the last ones that
    could, or waits for others: until it begins it has no threads, so that the fence can be
    entered then.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: IDaemonReactor,
        places: Places,
        name: Callable[[], str] = this_host,
        log: LogKeeper | None = None,
    ) -> None:
        super().__init__(reactor, PATIENCE)
        self._reactor = reactor
        self._name = name
        self._log_keeper = log
        self._files = PrivateThreads(
            reactor, "files", FILE_THREADS, FILE_SECONDS, ceiling=REPLACEMENTS
        )
        self._planners = PrivateThreads(
            reactor, "plans", PLAN_THREADS, PLAN_SECONDS, ceiling=REPLACEMENTS
        )
        self._reloader = Reloader(places, "", self._read, self._apply)
        self._state_dir: str | None = None
        self._settings: Settings | None = None
        self._entrance: Entrance | None = None
        self._way: WayOut | None = None
        self._assembly: Assembly | None = None
        self._kept: tuple[Texts, Mapping[str, bytes]] = (), {}
        self._said: dict[str, str] = {}
        self._sweeper = Sweeper()
        self._readiness = Readiness(
            reactor,
            Notifier(os.environ),
            lambda: self._spaces is None or self._spaces.turn(),
            clocks.monotonic,
            reactor.callWhenRunning,
        )
        self._watch = LoopingCall(self._look)
        self._watch.clock = reactor

    def privilegedStartService(self) -> None:
        """
        Before any thread exists, and before the log does.

        :raises SystemExit: another process has what we need; the text says which, and the cure.
        """
        if self._log_keeper is not None:
            self._log_keeper.begin()
        self._reloader.host = self._name()
        configuration = self._reloader.read()
        if configuration is not None:
            try:
                self._claim(configuration)
            except VcycleError as error:
                raise SystemExit(f"vcycled: {error}") from error
        super().privilegedStartService()

    def startService(self) -> None:
        super().startService()
        if self._log_keeper is not None:
            self._log_keeper.settle(self._reloader.log_directory)
        self._sweeper.settle()
        self._reloader.tell()
        if self._reloader.configuration is not None:
            self._begin(self._reloader.configuration)
            Deferred.fromCoroutine(self._keep())
        self._watch.start(WATCH_SECONDS, now=False)
        Signals(self._reactor, self._reload).take()
        self._readiness.startService()

    def stopService(self) -> Deferred[None]:
        self._readiness.stopService()
        events.daemon_stopping()
        if self._assembly is not None:
            self._assembly.hush()
        if self._watch.running:
            self._watch.stop()
        return super().stopService()

    def _claim(self, configuration: Configuration) -> None:
        if self._state_dir is None:
            settings, now = configuration.settings, clocks.wall()

            def take() -> None:
                self._way = claim(configuration, now)

            self._entrance = entrance(settings, take)
            self._state_dir = configuration.settings.state_dir

    def _begin(self, configuration: Configuration) -> None:
        self._settings = configuration.settings
        assembly = self._assembly = assemble(
            self._reactor,
            configuration,
            files=self._files,
            planners=self._planners,
            reload=self._look,
            sweep=self._rest,
            entrance=self._entrance,
            way=self._way,
            remarks=self._remarks,
        )
        self._reloader.pipes = Pipes(
            assembly.imaging.documents,
            configuration.settings.state_dir,
            self._files,
            clocks.wall,
        )
        events.daemon_started(__version__, configuration.settings.state_dir, configuration.spaces)
        for service in (self._files, self._planners, *assembly.services):
            service.setServiceParent(self)
        spaces = assembly.spaces
        spaces.apply(configuration)
        spaces.refuse(self._reloader.problems)
        if self._reloader.former is not None:
            former = self._reloader.former.spaces
            spaces.let_go(former[name] for name in former if name not in configuration.spaces)

    def _rest(self) -> None:
        """After each cycle."""
        self._sweeper.sweep()
        if self._spaces is not None:
            self._readiness.status(self._spaces.summary())

    def _read(self, work: Callable[[], R], deadline: float | None = None) -> Awaitable[R]:
        return here(work) if self._spaces is None else self._files(work, deadline)

    @property
    def _spaces(self) -> Spaces | None:
        return None if self._assembly is None else self._assembly.spaces

    def _remarks(self, space: Space) -> tuple[str, ...]:
        """What is not as it should be in a space, and keeps nothing from being made."""
        return () if self._reloader.pipes is None else self._reloader.pipes.remarks(space.pipes)

    async def _look(self) -> None:
        """The configuration again, if a file changed; what is wrong with it stops creations."""
        try:
            await self._reloader.look(force=await self._has_new_name())
            self._say("unread", None, events.configuration_unread)
        except VcycleError as error:
            self._say("unread", str(error), events.configuration_unread)
        except Exception:
            self._log.failure("the configuration could not be looked at again")
        if self._spaces is not None:
            self._spaces.refuse(self._reloader.problems)
        elif self._reloader.configuration is not None:
            self._try_to_begin(self._reloader.configuration)
        await self._keep()

    async def _has_new_name(self) -> bool:
        """Whether a host that had no domain has one now, as the name service was away."""
        if "." in self._reloader.host:
            return False
        former, self._reloader.host = self._reloader.host, await self._read(self._name)
        return self._reloader.host != former

    def _try_to_begin(self, configuration: Configuration) -> None:
        try:
            self._claim(configuration)
        except VcycleError as error:
            self._say("refusal", str(error), events.cannot_begin)
            return
        self._begin(configuration)

    async def _keep(self) -> None:
        """
        The texts in force, and the pipes' documents, for a successor that finds files which
        cannot be used.

        While a space drains that is in them no longer, the former ones are: should we end now,
        the successor has to go on draining it.
        """
        reloader, state_dir = self._reloader, self._state_dir
        texts, documents = wanted = reloader.texts, reloader.documents
        if wanted == self._kept or state_dir is None or self._spaces is None:
            return
        if self._spaces.leaving:
            return
        try:
            await self._files(lambda: lastgood.keep(state_dir, texts, reloader.host, documents))
            self._kept = wanted
            self._say("unkept", None, events.configuration_not_kept)
        except VcycleError as error:
            self._say("unkept", str(error), events.configuration_not_kept)

    def _say(self, what: str, reason: str | None, event: Callable[[str], None]) -> None:
        """Once for as long as it is so; None is that it is not."""
        if reason is not None and reason != self._said.get(what):
            event(reason)
        self._said[what] = reason or ""

    def _apply(self, configuration: Configuration) -> None:
        if self._spaces is None:
            return
        self._spaces.apply(configuration)
        if self._assembly is not None:
            self._assembly.imaging.configure(configuration.settings)
        for attribute in fields(Settings):
            what = f"[settings] {attribute.name}"
            wanted = getattr(configuration.settings, attribute.name)
            waits = attribute.name not in RELOADED
            waits = waits and wanted != getattr(self._settings, attribute.name)
            self._say(what, f"{what} = {wanted}" if waits else None, events.needs_restart)

    async def _reload(self) -> None:
        self._readiness.reloading()
        try:
            await self._look()
        finally:
            self._readiness.reloaded()
        if self._spaces is not None and self._assembly is not None:
            self._assembly.imaging.forgive()
            self._spaces.forgive()
            self._spaces.wake()


def daemon_of(
    reactor: Any,
    places: Places,
    name: Callable[[], str] = this_host,
    log: LogKeeper | None = None,
) -> Daemon:
    """
    The daemon for a configuration's places; nothing is opened or started yet.

    ``log`` keeps its lines in files, if that is wanted.
    """
    steady(reactor)
    return Daemon(reactor, places, name, log)
