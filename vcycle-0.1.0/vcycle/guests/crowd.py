"""Who is connected, and whether one more may be."""

from __future__ import annotations

from typing import Protocol

from attrs import define, field


class Caller(Protocol):
    """A connection that can be cut."""

    def cut(self) -> None:
        """End the connection at once; it has ``left`` before this returns, or soon after."""


@define
class Crowd:
    """
    The open connections, in all and by machine.

    When all places are taken, the longest connected that has not yet said who it is makes
    place: so nobody who holds connections without asking keeps others out.
    """

    places: int
    places_per_machine: int
    _known: dict[Caller, str] = field(factory=dict, init=False)
    _unknown: dict[Caller, None] = field(factory=dict, init=False)
    _counts: dict[str, int] = field(factory=dict, init=False)

    def __len__(self) -> int:
        return len(self._known) + len(self._unknown)

    def members(self) -> tuple[Caller, ...]:
        """Everyone here."""
        return (*self._known, *self._unknown)

    def enter(self, caller: Caller) -> bool:
        """Take a place; False if there is none to be had."""
        if len(self) >= self.places:
            eldest = next(iter(self._unknown), None)
            if eldest is None:
                return False
            self.leave(eldest)
            eldest.cut()
        self._unknown[caller] = None
        return True

    def introduce(self, caller: Caller, uuid: str) -> bool:
        """Count a caller as a machine's; False if the machine has as many as it may have."""
        if self._known.get(caller) == uuid:
            return True
        if self._counts.get(uuid, 0) >= self.places_per_machine:
            return False
        present = caller in self._known or caller in self._unknown
        if not present:
            return False
        self.leave(caller)
        self._known[caller] = uuid
        self._counts[uuid] = self._counts.get(uuid, 0) + 1
        return True

    def leave(self, caller: Caller) -> None:
        """Give the place back; a caller who has none is no error."""
        self._unknown.pop(caller, None)
        uuid = self._known.pop(caller, None)
        if uuid is not None:
            self._counts[uuid] -= 1
            if not self._counts[uuid]:
                del self._counts[uuid]
