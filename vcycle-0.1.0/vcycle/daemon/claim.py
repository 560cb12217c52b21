"""What no other process may have: the state directory, and a fence around user networking."""

from __future__ import annotations

import os
from collections.abc import Awaitable
from contextlib import suppress
from typing import Callable, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred

from vcycle.core.config.model import Configuration
from vcycle.daemon.fencing import fence_in
from vcycle.daemon.wayout import WayOut
from vcycle.store.atomic import told
from vcycle.store.lock import StateLock

R = TypeVar("R")


def claim(configuration: Configuration, now: float) -> WayOut | None:
    """
    Take both, to the end of the process; before there is any thread. Blocks.

    What comes back is the way out of the fence, if one was entered.

    :raises VcycleError: one cannot be had; the text says why, and the cure.
    """
    way = fence_in(configuration)
    state_dir = configuration.settings.state_dir
    _at_once(StateLock(state_dir, here).acquire(now))
    _make_spool(spool_of(state_dir))
    return way


def spool_of(state_dir: str) -> str:
    """Where what machines send is put on its way in."""
    return os.path.join(state_dir, "spool")


def _make_spool(path: str) -> None:
    """An empty directory that is ours alone; what a killed daemon left in it was of no machine."""
    with told(path):
        os.makedirs(path, mode=0o700, exist_ok=True)
        os.chmod(path, 0o700)
        for entry in os.scandir(path):
            with suppress(OSError):
                os.unlink(entry.path)


def here(work: Callable[[], R], deadline: float | None = None) -> Deferred[R]:
    """A RunInThread without threads, for as long as nothing else runs that could be held up."""
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
