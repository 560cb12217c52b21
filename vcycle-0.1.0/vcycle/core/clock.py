"""Clock steps: told apart from time that passed, so that no limit fires by one."""

from __future__ import annotations

from attrs import evolve, frozen

from vcycle.core.machine import Record

TOLERANCE = 5.0
"""Seconds that wall and monotonic time may differ between two readings before it is a step."""


@frozen(kw_only=True)
class Reading:
    """
    The clocks of one host at one moment.

    ``wall`` is in Unix seconds; ``since_boot`` in seconds since the boot that ``boot`` names.
    """

    boot: str
    wall: float
    since_boot: float


def step(before: Reading, after: Reading) -> float:
    """
    By how many seconds the wall clock was set between two readings, 0.0 if it was not.

    Over a reboot nothing measured the time between: all that is certain is that at least
    the time since boot has passed, so only a clock that shows less was set, back.
    """
    wall = after.wall - before.wall
    if before.boot == after.boot:
        stepped = wall - (after.since_boot - before.since_boot)
    else:
        stepped = min(0.0, wall - after.since_boot)
    return stepped if abs(stepped) > TOLERANCE else 0.0


def moved(record: Record, seconds: float, clock: int) -> Record:
    """The record as a clock set by ``seconds`` would have written it: its ages stay the same."""

    def move(at: float | None) -> float | None:
        return None if at is None else at + seconds

    doom = record.doom
    return evolve(
        record,
        clock=clock,
        requested_at=record.requested_at + seconds,
        shutdown_time=record.shutdown_time + seconds,
        started_at=move(record.started_at),
        seen_at=move(record.seen_at),
        missing_since=move(record.missing_since),
        ended_at=move(record.ended_at),
        doom=None if doom is None else evolve(doom, since=doom.since + seconds),
    )
