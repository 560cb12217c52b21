"""What a machinetype's own machines teach by how they end."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from attrs import evolve, frozen

from vcycle.core.machine import Record
from vcycle.core.outlook import Abort, Outlook, shifted


@frozen(kw_only=True)
class History:
    """
    What is remembered of one machinetype's machines here; times are Unix seconds.

    ``proof`` is when the youngest machine started that outlived fizzle_seconds or ended well.
    ``outlook`` is what was made out of the whole space. Its abort and proof are kept on disk, so
    that a restart forgets no back-off; it is never told to peers, who would only hear their own
    words again.
    """

    last_abort: float | None = None
    abort_message: str | None = None
    abort_machine: str | None = None
    proof: float | None = None
    outlook: Outlook = Outlook()


def moved_history(history: History, seconds: float) -> History:
    """The history as a clock set by ``seconds`` would have written it."""
    abort, proof = history.last_abort, history.proof
    return evolve(
        history,
        last_abort=None if abort is None else abort + seconds,
        proof=None if proof is None else proof + seconds,
        outlook=shifted(history.outlook, seconds),
    )


def own_abort(history: History, factory: str) -> Abort | None:
    """The last abort of this factory's own machines."""
    if history.last_abort is None:
        return None
    return Abort(
        at=history.last_abort,
        factory=factory,
        machine=history.abort_machine,
        message=history.abort_message,
    )


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
