"""What the daemon has published: the last snapshot of each space, and its bytes."""

from __future__ import annotations

from typing import Callable

from attrs import define, field
from twisted.internet.defer import Deferred

from vcycle import __version__
from vcycle.core.errors import VcycleError
from vcycle.core.snapshot import Snapshot, status_text
from vcycle.interfaces import RunInThread

STATUS = "/v1/status"


@define(eq=False)
class Published:
    """
    Readers get bytes that are made once for each snapshot, in a thread.

    Until the bytes of the newest are made, readers get those of the one before.
    """

    _in_thread: RunInThread
    _clock: Callable[[], float]
    snapshots: dict[str, Snapshot] = field(factory=dict)
    _status: bytes = b""
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
        return self._status if path == STATUS else None

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
                self._status = await self._in_thread(
                    lambda: status_text(snapshots, written=now, version=__version__)  # noqa: B023
                )
        except VcycleError:
            # The thread was given up; the next snapshot tries again.
            self._stale = True
        finally:
            self._encoding = False
