"""
After an abort: who in the whole space may try again, and when all may.

Every factory decides alone, from what its peers told it. All rank each other alike, for the
rank is made of names: of the machinetype, of the machine that aborted last, of the factory.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable

from attrs import evolve, frozen

from vcycle.core.config.model import Machinetype, Space
from vcycle.core.moments import moment, span
from vcycle.core.outlook import Abort, Outlook
from vcycle.core.peers import PeerReport

JITTER = 5.0
"""Seconds by which two factories may differ about one abort: the wire has whole seconds."""

PROOFS = 3
"""
So many times fizzle_seconds and a cycle others' young machines have to prove that there is work.

The first may be for machines that started before the abort, the second is the proof's own.
"""


class Gate(enum.Enum):
    """How far the gate is open: for all, for one scout here; or why it is shut."""

    OPEN = "open"
    SCOUT = "scout"
    PROVING = "proving"
    WAITING = "waiting"
    BACKING_OFF = "backing-off"


@frozen(kw_only=True)
class Turn:
    """
    How far the gate is open for this factory; ``text`` is why it is shut, ``until`` when that may
    change by itself, ``seen`` why it is open.
    """

    gate: Gate
    text: str = ""
    seen: str = ""
    until: float | None = None

    @property
    def shut(self) -> bool:
        """May this factory start none?"""
        return self.gate not in (Gate.OPEN, Gate.SCOUT)


@frozen
class Scene:
    """
    One machinetype in one look at the space: what its peers say of it, and when.

    ``asked_at`` is when the peers were asked, None if they never were.
    """

    machinetype: Machinetype
    space: Space
    reports: tuple[PeerReport, ...]
    asked_at: float | None
    now: float

    @property
    def wait(self) -> float:
        """
        Seconds that a factory leaves to the one ranked before it.

        That one may begin its cycle as late as cycle_seconds after its right began, and has to
        ask first; then we have to ask.
        """
        return self.space.cycle_seconds + 2 * self.space.udp_timeout_seconds

    def young(self, ours: int) -> list[str]:
        """The factories that have machines younger than fizzle_seconds; ``ours`` is our number."""
        others = [report.factory for report in self.reports if report.young]
        return ([self.space.factory_name] if ours else []) + others

    def outlook(
        self, before: Outlook, own: Abort | None, proof: float | None, ours: int
    ) -> Outlook:
        """
        What is known now, from what was known ``before``.

        ``own`` is our last abort; ``proof`` when our youngest machine started that outlived
        fizzle_seconds or ended well; ``ours`` how many young machines we have.
        """
        abort = self._last_abort(before.abort, own)
        after = evolve(before, abort=abort, proof=_later(before.proof, proof))
        if abort is None or not probation(after):
            return _begun_anew(after)
        if abort != before.abort:
            after = _begun_anew(after)
        return self._watched(after, abort, self.young(ours))

    def _last_abort(self, before: Abort | None, own: Abort | None) -> Abort | None:
        """
        The last abort in the space; of several at one moment all factories choose the same.

        One that is known stays known though its factory falls silent, and stays where it is
        though it is told anew with another fraction of a second.
        """
        told = [
            Abort(
                at=min(report.last_abort, self.now),
                factory=report.factory,
                machine=report.abort_machine,
                message=report.abort_message,
            )
            for report in self.reports
            if report.last_abort is not None
        ]
        aborts = [abort for abort in (before, own, *told) if abort is not None]
        if not aborts:
            return None
        latest = max(abort.at for abort in aborts)
        last = max((a for a in aborts if a.at >= latest - JITTER), key=_identity)
        if before is None or _identity(before) != _identity(last) or latest > before.at + JITTER:
            return evolve(last, at=latest)
        # Our own clock has no jitter: the back-off is as long after our last abort as it says.
        exact = before.at if own is None else max(before.at, own.at)
        return before if exact == before.at else evolve(before, at=exact)

    def _watched(self, after: Outlook, abort: Abort, young: list[str]) -> Outlook:
        """The search for a scout that outlives fizzle_seconds, one look further."""
        fizzle, cycle, now = self.machinetype.fizzle_seconds, self.space.cycle_seconds, self.now
        since = after.scout_at
        if since is not None:
            # A peer's word may be a cycle old, and its machine's abort not yet told.
            runs = {report.factory for report in self.reports if report.running_machines}
            if after.scout not in young and after.scout not in runs:
                after = evolve(after, scout=None, scout_at=None)
            elif after.scout in runs and now >= since + fizzle + cycle:
                return _begun_anew(evolve(after, proof=since))
        new = after.quiet_at is not None or now >= abort.at + fizzle + cycle
        if after.scout is None and young and new:
            after = evolve(after, scout=young[0], scout_at=now)
        if young or after.scout is not None:
            return evolve(after, quiet_at=None, young_at=_or(after.young_at, now))
        return evolve(after, quiet_at=_or(after.quiet_at, now), young_at=None)

    def turn(self, outlook: Outlook, ours: int) -> Turn:
        """May we start one now, with ``ours`` young machines of our own?"""
        abort, now = outlook.abort, self.now
        if abort is None:
            return Turn(gate=Gate.OPEN, seen="no abort is known")
        if not probation(outlook):
            return Turn(gate=Gate.OPEN, seen="there was work after the last abort")
        after = f"after {abort.message or 'abort'!r} of {abort.machine}"
        begin = abort.at + self.machinetype.backoff_seconds
        if now < begin:
            text = f"backing off for another {span(begin - now)}, until {moment(begin)}, {after}"
            return Turn(gate=Gate.BACKING_OFF, text=text, until=begin)
        young = self.young(ours) or ([] if outlook.scout is None else [outlook.scout])
        overdue = self._overdue(outlook)
        if young and (ours or overdue is None):
            who = f"{young[0]} is" if len(young) == 1 else f"{len(young)} factories are"
            old = f"{self.machinetype.fizzle_seconds}s old"
            text = f"{who} the scout until its machine is {old}, {after}"
            since = outlook.scout_at
            proven = None if since is None else since + self.machinetype.fizzle_seconds
            return Turn(gate=Gate.PROVING, text=text, until=proven)
        ranked = self.ranking(abort)
        rank = ranked.index(self.space.factory_name.lower())
        right = max(_or(at, begin) for at in (begin, outlook.quiet_at, overdue))
        right += rank * self.wait
        asked = self.asked_at is None or self.asked_at >= right
        if rank == 0 or (now >= right and asked):
            seen = f"on probation {after}; rank {rank + 1} of {len(ranked)} to be the scout"
            return Turn(gate=Gate.SCOUT, seen=seen)
        text = (
            f"rank {rank + 1} of {len(ranked)} to be the scout: from {moment(right)} if no other"
            f" factory is, {after}"
        )
        return Turn(gate=Gate.WAITING, text=text, until=right)

    def _overdue(self, outlook: Outlook) -> float | None:
        """Since when others' young machines are no reason any more to wait; None if they are."""
        if outlook.young_at is None:
            return None
        machinetype, space = self.machinetype, self.space
        over = outlook.young_at + PROOFS * (machinetype.fizzle_seconds + space.cycle_seconds)
        return over if self.now >= over else None

    def ranking(self, abort: Abort) -> list[str]:
        """
        The factories that tell of this machinetype, the next scout first.

        Whoever had the last abort comes last, so that one bad factory cannot be the space's
        only scout; beyond that all that counts is names, on which all factories agree.
        """
        ours = self.space.factory_name.lower()
        factories = {ours, *(report.factory.lower() for report in self.reports)}
        failed = abort.factory.lower()
        salt = f"{self.machinetype.name}\n{(abort.machine or '').lower()}\n"
        return sorted(factories, key=lambda name: (name == failed, _lot(salt + name), name))


def probation(outlook: Outlook) -> bool:
    """Has no machine that started after the last abort proved yet that there is work?"""
    if outlook.abort is None:
        return False
    return outlook.proof is None or outlook.proof < outlook.abort.at


def _begun_anew(outlook: Outlook) -> Outlook:
    """Nothing was seen yet of what started after the abort."""
    return evolve(outlook, quiet_at=None, young_at=None, scout_at=None, scout=None)


def _or(at: float | None, otherwise: float) -> float:
    return otherwise if at is None else at


def _identity(abort: Abort) -> tuple[str, str]:
    return (abort.machine or "").lower(), abort.factory.lower()


def _later(*moments: float | None) -> float | None:
    known: Iterable[float] = (at for at in moments if at is not None)
    return max(known, default=None)


def _lot(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
