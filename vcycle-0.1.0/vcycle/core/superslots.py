"""How large the next machine is and when it ends, so that processors become free together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from vcycle.core.config.model import Machinetype
from vcycle.core.reasons.rule import Superslot


@frozen(kw_only=True)
class Fit:
    """One machine that would fit: its size, its shutdown time, and whether it joins others."""

    machinetype: Machinetype
    processors: int
    shutdown_time: float
    joins: bool


def first_fit(
    candidates: Sequence[Machinetype],
    *,
    ending: Mapping[float, int],
    free: int,
    size: int,
    end_before: float | None,
    now: float,
) -> Fit | None:
    """
    The first machine to start among candidates in order of need.

    ``ending`` gives the processors in use by shutdown time. Superslots of ``size``
    processors that are not yet full are filled first, the earliest first; what they lack is
    kept for them whether or not anything fits. ``end_before`` caps every shutdown time.
    """
    if not candidates:
        return None
    shortest = min(machinetype.min_wallclock_seconds for machinetype in candidates)
    longest = max(machinetype.max_wallclock_seconds for machinetype in candidates)
    for superslot in superslots(ending, free, size):
        shutdown_time, lack = superslot.shutdown_time, superslot.lack
        free -= lack
        left = shutdown_time - now
        if not shortest <= left <= longest:
            continue
        for machinetype in candidates:
            lasts = machinetype.min_wallclock_seconds <= left <= machinetype.max_wallclock_seconds
            if lasts and machinetype.min_processors <= lack:
                return Fit(
                    machinetype=machinetype,
                    processors=min(lack, machinetype.max_processors),
                    shutdown_time=shutdown_time,
                    joins=True,
                )
    room = min(free, size)
    for machinetype in candidates:
        shutdown_time = now + machinetype.max_wallclock_seconds
        if end_before is not None:
            shutdown_time = min(shutdown_time, end_before)
        if room > 0 and machinetype.min_processors <= room:
            return Fit(
                machinetype=machinetype,
                processors=min(room, machinetype.max_processors),
                shutdown_time=shutdown_time,
                joins=False,
            )
    return None


def superslots(ending: Mapping[float, int], free: int, size: int) -> Iterator[Superslot]:
    """The superslots that are not yet full, and what of the free processors is kept for each."""
    for shutdown_time in sorted(at for at, processors in ending.items() if processors % size):
        lack = min(free, size - ending[shutdown_time] % size)
        free -= lack
        yield Superslot(
            shutdown_time=shutdown_time, processors=ending[shutdown_time] % size, lack=lack
        )
