"""What administrators order of the daemon, and the journal of what it decided."""

from __future__ import annotations

import functools
import os
from typing import Any, Callable

from attrs import frozen

from vcycle.core.config.model import Settings
from vcycle.core.drains import Drain
from vcycle.core.errors import CallTimedOut, StoreError
from vcycle.core.journal import encode
from vcycle.core.observation import Observation, Plan
from vcycle.daemon.control import Control
from vcycle.daemon.drains import Drains
from vcycle.daemon.spaces import Spaces
from vcycle.interfaces import RunInThread
from vcycle.monitor.control import ControlSocket
from vcycle.monitor.place import control_path
from vcycle.store.journal import Journal
from vcycle.store.leftovers import leftovers


@frozen
class Steering:
    """What is kept of both below the state directory; ``files`` are threads for what waits."""

    _settings: Settings
    _files: RunInThread
    _clock: Callable[[], float]
    _drains: Drains
    _journal: Journal

    @classmethod
    def of(cls, settings: Settings, files: RunInThread, clock: Callable[[], float]) -> Steering:
        """Nothing is opened yet."""
        below = functools.partial(os.path.join, settings.state_dir)
        return cls(
            settings,
            files,
            clock,
            Drains(below("drains.json"), files, clock),
            Journal(below("journal"), settings.journal_days, settings.journal_mb, files),
        )

    async def drained(self) -> tuple[Drain, ...]:
        """The drains in force; raises StoreError where they cannot be known."""
        try:
            return await self._drains.known()
        except CallTimedOut as error:
            raise StoreError(f"it is not known what is drained: {error}") from None

    async def write(self, seen: Observation, plan: Plan, now: float) -> None:
        """
        A line of the journal for one cycle.

        :raises StoreError: it could not be written.
        """
        try:
            await self._journal.append(functools.partial(encode, seen, plan), now)
        except CallTimedOut as error:
            raise StoreError(f"the journal is not written: {error}") from None

    def socket(self, reactor: Any, spaces: Spaces) -> ControlSocket:
        """Where orders for these spaces are taken."""
        control = Control(
            lambda: spaces.runners,
            spaces.wake,
            self._drains,
            self._clock,
            self._files,
            functools.partial(leftovers, self._settings.state_dir),
        )
        return ControlSocket(reactor, control_path(self._settings.state_dir), control.answer)
