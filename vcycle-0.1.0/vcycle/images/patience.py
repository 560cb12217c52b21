"""How long a server is waited for."""

from __future__ import annotations

from typing import Callable

from attrs import define, field, frozen
from twisted.internet.interfaces import IDelayedCall, IReactorTime


@frozen(kw_only=True)
class Waits:
    """Seconds: for a connection, without a byte, and for everything."""

    connect: float = 30.0
    stall: float = 60.0
    total: float = 21_600.0


@define(eq=False)
class Patience:
    """
    Calls ``expired`` with words once nothing came for ``waits.stall`` seconds, or once
    ``waits.total`` are over since it was made. Between ``rest`` and ``heard`` it is we
    who do not listen, and only the total counts.
    """

    _clock: IReactorTime
    waits: Waits
    expired: Callable[[str], None] | None = None
    _heard_at: float = field(init=False)
    _until: float = field(init=False)
    _resting: bool = field(default=False, init=False)
    _call: IDelayedCall | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._heard_at = self._clock.seconds()
        self._until = self._heard_at + self.waits.total

    def begin(self, expired: Callable[[str], None]) -> None:
        """From now on something is waited for."""
        self.end()
        self.expired = expired
        self.heard()
        self._wait()

    def heard(self) -> None:
        """Something came. It is called for each piece, and so sets no timer."""
        self._heard_at = self._clock.seconds()
        self._resting = False

    def rest(self) -> None:
        """We do not listen for a while."""
        self._resting = True

    def end(self) -> None:
        """Nothing is waited for."""
        self.expired = None
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _wait(self) -> None:
        now = self._clock.seconds()
        due = self._until if self._resting else min(self._heard_at + self.waits.stall, self._until)
        if self._resting:
            due = min(due, now + self.waits.stall)
        self._call = self._clock.callLater(max(0.0, due - now), self._look)

    def _look(self) -> None:
        self._call = None
        now, expired = self._clock.seconds(), self.expired
        if expired is None:
            return
        if now >= self._until:
            self.expired = None
            expired(f"not all of it came within {self.waits.total:g} s (image_total_seconds)")
        elif not self._resting and now >= self._heard_at + self.waits.stall:
            self.expired = None
            expired(f"nothing came for {self.waits.stall:g} s (image_stall_seconds)")
        else:
            self._wait()
