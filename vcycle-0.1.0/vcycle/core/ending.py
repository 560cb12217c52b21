"""How a machine's life ended, what it said, and whether that is a reason to back off."""

from __future__ import annotations

from attrs import evolve

from vcycle.core.machine import Ending, Outcome, Record, Traces
from vcycle.core.messages import code

ABORT_CODE = 300
"""Shutdown messages from this code on say that another machine would fare no better."""

CLEAN = "shutdown"
"""What a provider's event says of a machine that powered itself off."""

_NO_ABORTS = frozenset({Outcome.COMPLETED, Outcome.OVERTIME, Outcome.STOPPED})


def conclude(record: Record, traces: Traces, ending: Ending | None, now: float) -> Record:
    """
    The record of a machine that is over: when, how, with which message, abort or not.

    A machine's own message decides; then why we destroyed it; then how long it lived.
    The end is when the provider's event says, else the last sign of life.
    """
    ended_at = _ended_at(record, traces, ending, now)
    said = None if traces.message is None else code(traces.message)
    outcome, message = _outcome(record, traces, ending, ended_at, said)
    return evolve(
        record,
        ended_at=ended_at,
        outcome=outcome,
        message=message,
        abort=outcome not in _NO_ABORTS,
        missing_since=None,
    )


def _ended_at(record: Record, traces: Traces, ending: Ending | None, now: float) -> float:
    signs = [
        record.requested_at,
        record.started_at,
        record.seen_at,
        traces.heartbeat_at,
        traces.message_at,
    ]
    last = max(sign for sign in signs if sign is not None)
    return min(now, last if ending is None else max(last, ending.at))


def _outcome(
    record: Record, traces: Traces, ending: Ending | None, ended_at: float, said: int | None
) -> tuple[Outcome, str | None]:
    message, doom = traces.message, record.doom
    if said is not None:
        return (Outcome.ABORTED if said >= ABORT_CODE else Outcome.COMPLETED), message
    if doom is not None and doom.outcome is not Outcome.COMPLETED:
        return doom.outcome, message or doom.text
    if record.started_at is None:
        return Outcome.NEVER_STARTED, message
    seconds = ended_at - record.started_at
    if seconds < record.limits.fizzle_seconds:
        return Outcome.FIZZLED, message or f"300 Vcycle detects fizzle after {seconds:.0f} seconds"
    if doom is not None:
        return Outcome.COMPLETED, message or doom.text
    if message is None and (ending is None or ending.how != CLEAN):
        return Outcome.VANISHED, "700 Vanished without a message"
    return Outcome.COMPLETED, message
