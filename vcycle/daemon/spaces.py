"""All spaces of the daemon, following the configuration as it changes."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import Callable

from attrs import define, evolve, field, frozen
from twisted.application.service import MultiService
from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from vcycle.core.config.model import Configuration, Problem, Space
from vcycle.core.errors import VcycleError
from vcycle.daemon import events
from vcycle.daemon.factory import FactoryService
from vcycle.daemon.space import SpaceRunner

FIXED = ("libvirt_uri", "factory_name", "guest_network", "guest_http_port", "forward_dev")
"""What a space keeps from its start on: its machines were made with it."""


PATIENCE = 900.0
"""Seconds within which every cycle ends, however many deadlines of libvirt's it meets."""


def _nothing() -> None:
    """What is called after a cycle if nobody wants to be."""


def _untimed(space: str, seconds: float) -> None:
    """What is told how long a cycle took if nobody wants to know."""


def _whole() -> float:
    """The phase of cycles that are an interval apart from the first on."""
    return 1.0


@define(eq=False)
class _Running:
    """``told`` are the values of FIXED options that wait for the next start."""

    runner: SpaceRunner
    factory: FactoryService
    leaving: bool = False
    told: dict[str, object] = field(factory=dict)

    def leave(self) -> None:
        """From now on it drains."""
        self.leaving = True
        self.runner.space = evolve(self.runner.space, draining=True)
        self.runner.problems = ("the space is no longer configured",)


@frozen
class _Unfit:
    """A space that cannot run, and why; ``leaving`` is as of those that run."""

    space: Space
    trouble: str
    leaving: bool


class Spaces(MultiService):
    """
    One factory for each space. A space that is no longer configured drains: its machines are
    supervised to their end, then its factory stops. ``rest`` is called after each cycle; ``phase``
    draws the one of a factory.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        build: Callable[[Space, Callable[[], None]], SpaceRunner],
        left: Callable[[str], None],
        rest: Callable[[], None] = _nothing,
        took: Callable[[str, float], None] = _untimed,
        phase: Callable[[], float] = _whole,
    ) -> None:
        super().__init__()
        self._clock = clock
        self._build = build
        self._left = left
        self._rest = rest
        self._took = took
        self._phase = phase
        self._running: dict[str, _Running] = {}
        self._unfit: dict[str, _Unfit] = {}

    def apply(self, configuration: Configuration) -> None:
        """The spaces as they are configured now."""
        self._unfit = {
            name: unfit
            for name, unfit in self._unfit.items()
            if unfit.leaving and name not in configuration.spaces
        }
        for name, space in configuration.spaces.items():
            if name in self._running:
                self._change(self._running[name], space)
            else:
                self._try_to_add(space)
        for name, running in self._running.items():
            if name not in configuration.spaces and not running.leaving:
                running.leave()

    def let_go(self, spaces: Iterable[Space]) -> None:
        """Spaces that were configured when a former daemon ran, whose machines may live on."""
        for space in spaces:
            if space.name not in self._running:
                self._try_to_add(evolve(space, draining=True), leaving=True)
                if space.name in self._running:
                    self._running[space.name].leave()

    @property
    def wanted(self) -> tuple[tuple[Space, str | None], ...]:
        """All spaces that are to run, each with what keeps its cycles from ending, if anything."""
        all_of = self._running.values()
        running = ((r.runner.space, r.factory.trouble or r.runner.trouble) for r in all_of)
        return (*running, *((unfit.space, unfit.trouble) for unfit in self._unfit.values()))

    @property
    def pending(self) -> tuple[str, ...]:
        """What of the configuration takes effect only when the daemon starts anew."""
        return tuple(
            f"[space {name}] {option}"
            for name, running in self._running.items()
            for option, wanted in running.told.items()
            if wanted != getattr(running.runner.space, option)
        )

    def turn(self) -> bool:
        """Whether every space's cycles still come to their ends."""
        factories = (running.factory for running in self._running.values())
        return all(f.silence < max(PATIENCE, 3 * f.interval) for f in factories)

    def summary(self) -> str:
        """How many machines there are in which spaces, in one line."""
        counts = (
            f"{name}: {0 if cycle is None else len(cycle.knowledge.records)} machines"
            for name, cycle in ((n, r.runner.cycle) for n, r in self._running.items())
        )
        return "; ".join(counts) or "no spaces"

    @property
    def runners(self) -> dict[str, SpaceRunner]:
        """What runs each space, by its name."""
        return {name: running.runner for name, running in self._running.items()}

    @property
    def leaving(self) -> bool:
        """Whether there is a space that drains as it is no longer configured."""
        return any(running.leaving for running in self._running.values())

    def refuse(self, problems: tuple[Problem, ...]) -> None:
        """The files are wrong: nothing is created. Without problems they are right again."""
        told = () if not problems else (f"the configuration is wrong: {problems[0]}",)
        for running in self._running.values():
            if not running.leaving:
                running.runner.problems = told

    def wake(self, uri: str | None = None) -> None:
        """A cycle at once of every space, or of those on one libvirt URI."""
        for running in self._running.values():
            if uri is None or running.runner.space.libvirt_uri == uri:
                running.factory.wake()

    def forgive(self) -> None:
        """What a provider refused for good may be asked again: an administrator says so."""
        for running in self._running.values():
            if running.runner.cycle is not None:
                running.runner.cycle.knowledge.blocked.clear()

    def _change(self, running: _Running, space: Space) -> None:
        before = running.runner.space
        kept = {name: getattr(before, name) for name in FIXED}
        for name, value in kept.items():
            wanted = getattr(space, name)
            if wanted != value and wanted != running.told.get(name):
                events.needs_restart(f"[space {space.name}] {name} = {wanted}")
            running.told[name] = wanted
        running.leaving = False
        running.runner.problems = ()
        running.runner.space = evolve(space, **kept)
        running.factory.interval = space.cycle_seconds

    def _try_to_add(self, space: Space, leaving: bool = False) -> None:
        """One space that cannot run is no reason for others not to."""
        try:
            self._add(space)
        except VcycleError as error:
            trouble = f"the space cannot run: {error}"
            events.alarmed(space.name, trouble)
        except Exception as error:
            trouble = f"the space cannot run: a fault of Vcycle itself: {type(error).__name__}"
            self._log.failure("{space}: the space cannot run", space=space.name)
        else:
            return
        self._unfit[space.name] = _Unfit(space, trouble, leaving)

    def _add(self, space: Space) -> None:
        def wake() -> None:
            factory.wake()

        runner = self._build(space, wake)
        cycle, phase = self._cycle(runner), self._phase()
        factory = FactoryService(self._clock, space.cycle_seconds, cycle, phase)
        factory.setName(space.name)
        self._running[space.name] = _Running(runner, factory)
        factory.setServiceParent(self)

    def _cycle(self, runner: SpaceRunner) -> Callable[[bool], Awaitable[None]]:
        async def cycle(early: bool) -> None:
            began = self._clock.seconds()
            try:
                await runner.run(early)
            finally:
                self._took(runner.space.name, self._clock.seconds() - began)
                self._rest()
            running = self._running.get(runner.space.name)
            done = runner.cycle is not None and not runner.cycle.knowledge.records
            if running is not None and running.leaving and done:
                self._clock.callLater(0, self._remove, runner.space.name)

        return cycle

    def _remove(self, name: str) -> None:
        running = self._running.get(name)
        if running is not None and running.leaving:
            del self._running[name]
            events.space_left(name)
            # Its last cycle may have begun by now, and publishes once more.
            stopped = maybeDeferred(running.factory.disownServiceParent)
            stopped.addCallback(lambda _: self._left(name))
