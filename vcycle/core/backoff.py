"""May a machinetype start another machine now? Decided from how its machines ended."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping

from attrs import evolve, frozen

from vcycle.core.machine import Record


class Gate(enum.Enum):
    """How far the gate is open: for all, for one scout, for none."""

    OPEN = "open"
    SCOUT = "scout"
    PROVING = "proving"
    BACKING_OFF = "backing-off"


@frozen(kw_only=True)
class History:
    """
    What is remembered of one machinetype's machines; times are Unix seconds.

    ``proof`` is when the youngest machine started that outlived fizzle_seconds or ended well.
    """

    last_abort: float | None = None
    abort_message: str | None = None
    abort_machine: str | None = None
    proof: float | None = None

    @property
    def probation(self) -> bool:
        """Has no machine that started after the last abort proved yet that there is work?"""
        if self.last_abort is None:
            return False
        return self.proof is None or self.proof < self.last_abort


def gate(history: History, *, backoff_seconds: float, young: int, now: float) -> Gate:
    """
    After an abort nothing starts for backoff_seconds; then one scout at a time, until one
    has outlived fizzle_seconds.

    ``young`` counts machines requested, starting, or younger than fizzle_seconds.
    """
    if history.last_abort is None or not history.probation:
        return Gate.OPEN
    if now < history.last_abort + backoff_seconds:
        return Gate.BACKING_OFF
    return Gate.PROVING if young else Gate.SCOUT


def learn(
    histories: Mapping[str, History], ended: Iterable[Record], living: Iterable[Record], now: float
) -> dict[str, History]:
    """The histories with what these machines teach; learning the same again changes nothing."""
    learned = dict(histories)
    for record in ended:
        history = learned.get(record.machinetype, History())
        if record.abort:
            learned[record.machinetype] = _aborted(history, record)
        elif record.started_at is not None:
            learned[record.machinetype] = _proved(history, record.started_at)
    for record in living:
        started_at = record.started_at
        if started_at is not None and now - started_at >= record.limits.fizzle_seconds:
            history = learned.get(record.machinetype, History())
            learned[record.machinetype] = _proved(history, started_at)
    return learned


def _aborted(history: History, record: Record) -> History:
    if record.ended_at is None:
        return history
    told = evolve(
        history,
        last_abort=record.ended_at,
        abort_message=record.message,
        abort_machine=record.name,
    )
    return max(history, told, key=_order)


def _order(history: History) -> tuple[float, str, str]:
    """Of two aborts at one moment the same one counts, whichever is told first."""
    at = -math.inf if history.last_abort is None else history.last_abort
    return at, history.abort_machine or "", history.abort_message or ""


def _proved(history: History, started_at: float) -> History:
    if history.proof is not None and history.proof >= started_at:
        return history
    return evolve(history, proof=started_at)
