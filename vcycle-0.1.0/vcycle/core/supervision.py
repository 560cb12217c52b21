"""Where a machine stands, and what becomes of it, from what is known of it now."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, frozen

from vcycle.core.ending import conclude
from vcycle.core.features import GRACE_SECONDS
from vcycle.core.machine import (
    Condition,
    Doom,
    Ending,
    Outcome,
    Record,
    Sighting,
    State,
    Traces,
    Traits,
)

TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.REQUESTED: frozenset(State),
    State.STARTING: frozenset(State) - {State.REQUESTED},
    State.RUNNING: frozenset(State) - {State.REQUESTED, State.STARTING},
    State.DRAINING: frozenset({State.DRAINING, State.MISSING, State.DOOMED, State.ENDED}),
    State.MISSING: frozenset(State) - {State.REQUESTED},
    State.DOOMED: frozenset({State.DOOMED, State.ENDED}),
    State.ENDED: frozenset({State.ENDED}),
}
"""Every move that a machine can make from one look to the next."""

MESSAGES = {
    "not-created": "700 Heartbeat file not created",
    "not-updated": "700 Heartbeat file not updated",
    "not-started": "700 Failed to start",
    "overtime": "700 Exceeded max_wallclock_seconds",
    "shutdown": "700 Passed shutdowntime",
    "paused": "700 Paused without shutting down",
    "lingering": "700 Did not end after its last message",
}
"""What we say for a machine that said nothing; the family's own words where it has them."""


@frozen(kw_only=True)
class Deadlines:
    """
    How long a state may last, in seconds, before something is done about it.

    ``grace`` is the notice that a machine gets of a nearer shutdown_time: what its features
    promise, and what a cycle needs to tell it.
    """

    start: float = 600.0
    drain: float = 300.0
    missing: float = 120.0
    grace: float = GRACE_SECONDS + 60.0


@frozen(kw_only=True)
class Known:
    """
    What one look told of one machine; not listed and not absent means that nothing is known.

    ``end_before`` is the space's own shutdown_time. ``served_since`` is when the machines
    were last able to reach us: no silence is held against them that is ours. ``asked`` is that
    an administrator wants the machine gone.
    """

    sighting: Sighting | None
    absent: bool
    ending: Ending | None
    traces: Traces
    end_before: float | None
    served_since: float
    traits: Traits
    asked: Doom | None = None


@frozen(kw_only=True)
class Review:
    """``record`` is what is known now; it has an outcome exactly when the state is ENDED."""

    state: State
    record: Record


def review(record: Record, known: Known, deadlines: Deadlines, now: float) -> Review:
    """
    The state of a machine, and its record with the new facts.

    Nothing follows from not knowing: a machine of which nothing is known stays as it was.
    """
    if record.ended_at is not None:
        return Review(state=State.ENDED, record=record)
    if known.sighting is None and not known.absent:
        return Review(state=remembered(record, known.traces), record=record)
    record = _shortened(record, known.end_before, deadlines.grace, now)
    if record.started_at is None and _lived(known):
        record = evolve(record, started_at=record.requested_at)
    if known.sighting is None:
        return _unlisted(record, known, deadlines, now)
    return _listed(record, known, known.sighting, deadlines, now)


def remembered(record: Record, traces: Traces) -> State:
    """Where a machine that is not over stood when it was last looked at."""
    if record.doom is not None:
        return State.DOOMED
    if record.missing_since is not None:
        return State.MISSING
    if record.started_at is None:
        return State.REQUESTED if record.seen_at is None else State.STARTING
    return State.RUNNING if traces.message_at is None else State.DRAINING


def _lived(known: Known) -> bool:
    """Did a machine that may never have been seen running show that it did?"""
    traces = known.traces
    heard = traces.message_at is not None or traces.heartbeat_at is not None
    return heard or known.ending is not None


def _shortened(record: Record, end_before: float | None, grace: float, now: float) -> Record:
    """A nearer end is kept to, but never nearer than the notice that machines were promised."""
    if end_before is None:
        return record
    return evolve(record, shutdown_time=min(record.shutdown_time, max(end_before, now + grace)))


def _unlisted(record: Record, known: Known, deadlines: Deadlines, now: float) -> Review:
    """One absence ends a machine where the list is authoritative; elsewhere it has to last."""
    unseen = record.started_at is None and record.seen_at is None and record.doom is None
    if unseen and now - record.requested_at < known.traits.settle_seconds:
        return Review(state=State.REQUESTED, record=record)
    if not known.traits.authoritative:
        since = now if record.missing_since is None else record.missing_since
        record = evolve(record, missing_since=since)
        if now - since < deadlines.missing:
            return Review(state=remembered(record, known.traces), record=record)
    if record.started_at is None and record.doom is None:
        doom = Doom(outcome=Outcome.NEVER_STARTED, text=MESSAGES["not-started"], since=now)
        record = evolve(record, doom=doom)
    return _ended(record, known, now)


def _ended(record: Record, known: Known, now: float) -> Review:
    return Review(state=State.ENDED, record=conclude(record, known.traces, known.ending, now=now))


def _listed(
    record: Record, known: Known, sighting: Sighting, deadlines: Deadlines, now: float
) -> Review:
    if sighting.condition is Condition.STOPPED:
        return _ended(record, known, now)
    started_at = record.started_at
    if started_at is None and sighting.condition is Condition.RUNNING:
        started_at = now
    record = evolve(
        record,
        started_at=started_at,
        seen_at=now,
        missing_since=None,
        cpu_seconds=max(record.cpu_seconds, sighting.cpu_seconds),
        cpu_percentage=_percentage(record, sighting, now),
    )
    if record.doom is None:
        doom = doom_of(record, known, sighting, deadlines, now)
        record = record if doom is None else evolve(record, doom=doom)
    if record.doom is not None:
        return Review(state=State.DOOMED, record=record)
    if started_at is None:
        return Review(state=State.STARTING, record=record)
    draining = known.traces.message_at is not None
    return Review(state=State.DRAINING if draining else State.RUNNING, record=record)


def _percentage(record: Record, sighting: Sighting, now: float) -> float:
    """Of one processor, since the last look; unchanged where there was no time between."""
    if record.seen_at is None or now <= record.seen_at:
        return record.cpu_percentage
    used = max(0.0, sighting.cpu_seconds - record.cpu_seconds)
    return 100.0 * used / (now - record.seen_at)


def doom_of(
    record: Record, known: Known, sighting: Sighting, deadlines: Deadlines, now: float
) -> Doom | None:
    """Why a listed machine has to go, or None: the first rule that speaks, in order of weight."""

    def doom(outcome: Outcome, text: str) -> Doom:
        return Doom(outcome=outcome, text=text, since=now)

    if known.asked is not None:
        return known.asked
    if sighting.condition is Condition.PAUSED:
        return doom(Outcome.PAUSED, MESSAGES["paused"])
    stopped = known.end_before is not None and known.end_before <= record.shutdown_time
    if stopped and now > record.shutdown_time:
        return doom(Outcome.STOPPED, MESSAGES["shutdown"])
    if record.started_at is None:
        late = now - record.requested_at >= deadlines.start
        return doom(Outcome.NEVER_STARTED, MESSAGES["not-started"]) if late else None
    if now > record.shutdown_time:
        return doom(Outcome.OVERTIME, MESSAGES["overtime"])
    message_at = known.traces.message_at
    if message_at is not None:
        # Who has said the last word need not beat any more: it only has to end in time.
        late = now - message_at >= deadlines.drain
        return doom(Outcome.COMPLETED, MESSAGES["lingering"]) if late else None
    silence = _silence(record, record.started_at, known, now)
    return None if silence is None else doom(Outcome.SILENT, silence)


def _silence(record: Record, started_at: float, known: Known, now: float) -> str | None:
    """The heartbeat rule: from fizzle_seconds on, and only while we were there to hear it."""
    limits = record.limits
    if limits.heartbeat_file is None or limits.fizzle_seconds <= 0:
        return None
    since = max(started_at, known.served_since)
    if now <= since + limits.fizzle_seconds:
        return None
    beat = known.traces.heartbeat_at
    if beat is None:
        return MESSAGES["not-created"]
    if limits.heartbeat_seconds > 0 and now > beat + limits.heartbeat_seconds:
        return MESSAGES["not-updated"]
    return None
