"""The whole daemon: what starts first, what stops last, and what a signal does."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Awaitable
from typing import Any, Callable, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from vcycle import __version__
from vcycle.core.config.model import Configuration, Space
from vcycle.core.errors import VcycleError
from vcycle.daemon import clocks, events, host
from vcycle.daemon.compose import Parts, runner_of
from vcycle.daemon.configuration import Places, this_host
from vcycle.daemon.fencing import fence_in
from vcycle.daemon.hypervisors import Hypervisors, IDaemonReactor
from vcycle.daemon.ordered import OrderedServices
from vcycle.daemon.published import Published
from vcycle.daemon.reload import Reloader
from vcycle.daemon.space import SpaceRunner
from vcycle.daemon.spaces import Spaces
from vcycle.disks.qemu import QemuDisks
from vcycle.images.local import LocalImages
from vcycle.monitor.place import socket_path
from vcycle.monitor.statussocket import StatusSocket
from vcycle.store.jsonfile import ClockFile
from vcycle.store.lock import StateLock
from vcycle.store.machines import MachineStore
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
    and runs the spaces. Without a configuration that can be used it waits for one.
    """

    _log = Logger()

    def __init__(self, reactor: IDaemonReactor, places: Places) -> None:
        super().__init__(reactor, PATIENCE)
        self._reactor = reactor
        self._files = PrivateThreads(
            reactor, "files", FILE_THREADS, FILE_SECONDS, ceiling=REPLACEMENTS
        )
        self._planners = PrivateThreads(
            reactor, "plans", PLAN_THREADS, PLAN_SECONDS, ceiling=REPLACEMENTS
        )
        self._reloader = Reloader(places, "", self._files, self._apply)
        self._published = Published(self._planners, clocks.wall)
        self._spaces: Spaces | None = None
        self._claimed = False
        self._watch = LoopingCall(self._look)
        self._watch.clock = reactor
        for pool in (self._files, self._planners):
            pool.setServiceParent(self)

    def privilegedStartService(self) -> None:
        """Before any thread exists: a fence can only be entered here."""
        self._reloader.host = this_host()
        configuration = self._reloader.read()
        if configuration is not None:
            self._claim(configuration)
        super().privilegedStartService()

    def startService(self) -> None:
        super().startService()
        self._reloader.tell()
        if self._reloader.configuration is not None:
            self._begin(self._reloader.configuration)
        self._watch.start(WATCH_SECONDS, now=False)
        signal.signal(signal.SIGHUP, self._hang_up)

    def stopService(self) -> Deferred[None]:
        events.daemon_stopping()
        if self._watch.running:
            self._watch.stop()
        return super().stopService()

    def _claim(self, configuration: Configuration) -> None:
        """
        Take what no other process may have.

        :raises SystemExit: it cannot be had; the text says why, and the cure.
        """
        state_dir = configuration.settings.state_dir
        try:
            fence_in(configuration)
            # Nothing else runs yet, so this blocks nobody.
            _at_once(StateLock(state_dir, _here).acquire(clocks.wall()))
        except VcycleError as error:
            raise SystemExit(f"vcycled: {error}") from error
        self._claimed = True

    def _begin(self, configuration: Configuration) -> None:
        if not self._claimed:
            self._claim(configuration)
        state_dir = configuration.settings.state_dir
        hypervisors = Hypervisors(self._reactor, clocks.wall)
        parts = Parts(
            owner=host.owner(state_dir),
            clock=clocks.wall,
            clocks=clocks.ClockWatch(ClockFile(os.path.join(state_dir, "clock.json"), self._files)),
            host=functools.partial(host.look, state_dir),
            in_thread=self._planners,
            disks=QemuDisks(self._files),
            images=LocalImages(self._files),
            directory=functools.partial(os.path.join, state_dir, "machinetypes"),
            publish=self._published.publish,
            reload=self._look,
        )

        def build(space: Space, wake: Callable[[], None]) -> SpaceRunner:
            hypervisor = hypervisors.of(space)
            hypervisor.provider.watch(lambda _: spaces.wake(hypervisor.uri))
            store = MachineStore(state_dir, space.name, self._files)
            return runner_of(parts, space, store, hypervisor, wake)

        spaces = self._spaces = Spaces(self._reactor, build, self._published.withdraw)
        events.daemon_started(__version__, state_dir, configuration.spaces)
        hypervisors.setServiceParent(self)
        try:
            self._socket(configuration).setServiceParent(self)
        except VcycleError as error:
            events.alarmed("vcycled", f"commands cannot ask this daemon: {error}")
        spaces.setServiceParent(self)
        spaces.apply(configuration)

    def _socket(self, configuration: Configuration) -> StatusSocket:
        path = socket_path(configuration.settings.state_dir)
        return StatusSocket(self._reactor, path, self._published.content)

    async def _look(self) -> None:
        """The configuration again, if a file changed; what is wrong with it stops creations."""
        try:
            await self._reloader.look()
        except VcycleError as error:
            events.alarmed("vcycled", f"the configuration could not be read again: {error}")
        if self._spaces is not None:
            self._spaces.refuse(self._reloader.problems)

    def _apply(self, configuration: Configuration) -> None:
        if self._spaces is None:
            self._begin(configuration)
            return
        self._spaces.apply(configuration)

    def _hang_up(self, signum: int, frame: Any) -> None:
        self._reactor.callFromThread(self._reload)

    def _reload(self) -> None:
        async def reload() -> None:
            try:
                await self._look()
                if self._spaces is not None:
                    self._spaces.wake()
            except Exception:
                self._log.failure("the configuration could not be read again")

        Deferred.fromCoroutine(reload())


def _here(work: Callable[[], R], deadline: float | None = None) -> Deferred[R]:
    return maybeDeferred(work)


def _at_once(answer: Awaitable[R]) -> R:
    """The result of something that waits for nothing."""
    results: list[R] = []
    failures: list[Exception] = []

    async def run() -> None:
        try:
            results.append(await answer)
        except Exception as error:
            failures.append(error)

    Deferred.fromCoroutine(run())
    if failures:
        raise failures[0]
    return results[0]


def daemon_of(reactor: Any, places: Places) -> Daemon:
    """The daemon for a configuration's places; nothing is opened or started yet."""
    return Daemon(reactor, places)
