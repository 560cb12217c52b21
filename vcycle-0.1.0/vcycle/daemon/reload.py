"""The configuration in force: read again whenever a file changed, and never worse than before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Callable

from attrs import define, field
from twisted.logger import Logger

from vcycle.core.config.changes import changes
from vcycle.core.config.model import Configuration, Problem
from vcycle.daemon import events, lastgood
from vcycle.daemon.configuration import (
    Fingerprint,
    Places,
    Texts,
    examine_all,
    fingerprint,
    kept_documents,
)
from vcycle.daemon.pipes import Pipes
from vcycle.interfaces import RunInThread


@define
class Reloader:
    """
    ``configuration`` is the last good one, made from ``texts`` and the ``documents`` of vacuum
    pipes; ``problems`` are what is wrong with the files now. ``apply`` is called with each new
    good one. ``former`` is what the last daemon ran with, once ``read`` has found files that can
    be used. ``pipes`` is set once there is something to fetch with.
    """

    _log = Logger()

    places: Places
    host: str
    _in_thread: RunInThread
    apply: Callable[[Configuration], None]
    configuration: Configuration | None = None
    texts: Texts = ()
    documents: Mapping[str, bytes] = field(factory=dict)
    pipes: Pipes | None = None
    former: Configuration | None = None
    problems: tuple[Problem, ...] = ()
    log_directory: str = ""
    _seen: Fingerprint | None = None
    _busy: bool = field(default=False)
    _stale: bool = field(default=False)

    def read(self) -> Configuration | None:
        """
        Blocking, for the start: the configuration, or None if it cannot be used.

        Then that of the last daemon takes its place, if it is still kept.
        """
        self._seen = fingerprint(self.places)
        examined = examine_all(self.places, self.host)
        texts, reading = examined.texts, examined.reading
        self.log_directory = lastgood.log_directory_of(texts)
        self.configuration = reading.configuration
        if self.configuration is None:
            self.problems = _fatal(reading.problems)
            self.configuration = lastgood.recall(lastgood.state_dir_of(texts), self.host)
        else:
            self.texts, self.documents = texts, examined.documents
            self.former = lastgood.recall(self.configuration.settings.state_dir, self.host)
        return self.configuration

    def tell(self) -> None:
        """Say what the first reading found, once there is a log to say it in."""
        if self.problems:
            events.configuration_wrong(self.problems)
        if self.configuration is None:
            events.nothing_runs()
            return
        if self.problems:
            events.former_configuration(lastgood.path_in(self.configuration.settings.state_dir))
        for warning in self.configuration.warnings:
            events.configuration_warning(warning)

    async def look(self, force: bool = False) -> None:
        """
        Read the files again if one of them, or a pipe's document, changed (or always); one look
        at a time.
        """
        if self._busy:
            return
        self._busy = True
        try:
            seen = await self._in_thread(lambda: fingerprint(self.places))
            # Not the other way round: a document that changed is told of once.
            if await self._documents_changed() or force or seen != self._seen:
                await self._again()
                self._seen = seen
        finally:
            self._busy = False

    async def _documents_changed(self) -> bool:
        if self.pipes is None or self.configuration is None:
            return self._stale
        try:
            self._stale |= await self.pipes.look(self.configuration)
        except Exception:
            self._log.failure("the vacuum pipes could not be looked at")
        return self._stale

    async def _again(self) -> None:
        documents_of = kept_documents if self.pipes is None else self.pipes.bodies
        examined = await self._in_thread(lambda: examine_all(self.places, self.host, documents_of))
        self._stale = False
        reading = examined.reading
        new, old = reading.configuration, self.configuration
        if new is None:
            fatal = _fatal(reading.problems)
            if fatal != self.problems:
                events.configuration_wrong(fatal)
            self.problems = fatal
            return
        if self.problems:
            self.problems = ()
            events.configuration_right()
        for warning in new.warnings:
            if old is None or warning not in old.warnings:
                events.configuration_warning(warning)
        if old is not None:
            events.configuration_changed(changes(old, new))
        self.configuration = new
        self.texts, self.documents = examined.texts, examined.documents
        self.apply(new)


def _fatal(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    return tuple(problem for problem in problems if problem.fatal)
