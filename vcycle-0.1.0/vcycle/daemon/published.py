"""What the daemon has published: the last snapshot of each space, and its bytes."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Callable

from attrs import Factory, define, field
from twisted.internet.defer import Deferred

from vcycle import __version__
from vcycle.core.errors import VcycleError
from vcycle.core.reasons.document import explain_text
from vcycle.core.snapshot import Snapshot, status_text
from vcycle.interfaces import RunInThread

STATUS = "/v1/status"
EXPLAIN = "/v1/explain"


@define(eq=False)
class Published:
    """
    Readers get bytes that are made once for each snapshot, in a thread.

    Until the bytes of the newest are made, readers get those of the one before.
    """

    _in_thread: RunInThread
    _clock: Callable[[], float]
    snapshots: dict[str, Snapshot] = field(factory=dict)
    _documents: Mapping[str, bytes] = Factory(lambda: {STATUS: b"", EXPLAIN: b""})
    _encoding: bool = False
    _stale: bool = False

    def publish(self, snapshot: Snapshot) -> None:
        """From now on this is the space's snapshot."""
        self.snapshots[snapshot.space.name] = snapshot
        self._renew()

    def withdraw(self, space: str) -> None:
        """The space is no more."""
        if self.snapshots.pop(space, None) is not None:
            self._renew()

    def content(self, path: str) -> bytes | None:
        """The document at a path of the daemon's socket, or None if there is no such path."""
        return self._documents.get(path)

    def _renew(self) -> None:
        self._stale = True
        if not self._encoding:
            Deferred.fromCoroutine(self._encode())

    async def _encode(self) -> None:
        self._encoding = True
        try:
            while self._stale:
                self._stale = False
                snapshots, now = tuple(self.snapshots.values()), self._clock()
                self._documents = await self._in_thread(
                    functools.partial(_documents, snapshots, now)
                )
        except VcycleError:
            # The thread was given up; the next snapshot tries again.
            self._stale = True
        finally:
            self._encoding = False


def _documents(snapshots: tuple[Snapshot, ...], now: float) -> dict[str, bytes]:
    return {
        STATUS: status_text(snapshots, written=now, version=__version__),
        EXPLAIN: explain_text(snapshots, written=now),
    }
