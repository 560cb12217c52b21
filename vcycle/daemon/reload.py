"""The configuration in force: read again whenever a file changed, and never worse than before."""

from __future__ import annotations

from typing import Callable

from attrs import define, field

from vcycle.core.config.changes import changes
from vcycle.core.config.model import Configuration, Problem
from vcycle.daemon import events
from vcycle.daemon.configuration import Fingerprint, Places, examine_files, fingerprint
from vcycle.interfaces import RunInThread


@define
class Reloader:
    """
    ``configuration`` is the last good one, ``problems`` what is wrong with the files now.

    ``apply`` is called with each new good one.
    """

    places: Places
    host: str
    _in_thread: RunInThread
    apply: Callable[[Configuration], None]
    configuration: Configuration | None = None
    problems: tuple[Problem, ...] = ()
    _seen: Fingerprint | None = None
    _busy: bool = field(default=False)

    def read(self) -> Configuration | None:
        """Blocking, for the start: the configuration, or None if it cannot be used."""
        self._seen = fingerprint(self.places)
        reading = examine_files(self.places, self.host)
        if reading.configuration is None:
            self.problems = reading.problems
        self.configuration = reading.configuration
        return reading.configuration

    def tell(self) -> None:
        """Say what the first reading found, once there is a log to say it in."""
        if self.configuration is None:
            events.configuration_wrong(self.problems)
            return
        for warning in self.configuration.warnings:
            events.configuration_warning(warning)

    async def look(self, force: bool = False) -> None:
        """Read the files again if one of them changed (or always); one look at a time."""
        if self._busy:
            return
        self._busy = True
        try:
            seen = await self._in_thread(lambda: fingerprint(self.places))
            if force or seen != self._seen:
                self._seen = seen
                await self._again()
        finally:
            self._busy = False

    async def _again(self) -> None:
        reading = await self._in_thread(lambda: examine_files(self.places, self.host))
        new, old = reading.configuration, self.configuration
        if new is None:
            fatal = tuple(problem for problem in reading.problems if problem.fatal)
            if fatal != self.problems:
                events.configuration_wrong(fatal)
            self.problems = fatal
            return
        if self.problems:
            self.problems = ()
            events.configuration_right()
        if old is None or new.warnings != old.warnings:
            for warning in new.warnings:
                events.configuration_warning(warning)
        if old is not None:
            events.configuration_changed(changes(old, new))
        self.configuration = new
        self.apply(new)
