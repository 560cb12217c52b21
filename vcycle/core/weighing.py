"""Whether all factories of a space weigh usage alike: by HS06, or by processors alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from vcycle.core.config.model import Space
from vcycle.core.peers import PeerReport

NAMED = 3
"""Factories that are named; others are counted."""

TOLERANCE = 0.005
"""Per processor: figures on the wire are rounded."""


def unequal(space: Space, reports: Iterable[PeerReport]) -> tuple[str, ...]:
    """
    Why shares of this space are weighed unequally; () if they are not, as far as peers tell.

    Who was not told hs06_per_processor tells as many HS06 in use as processors.
    """
    ours = space.hs06_per_processor is not None
    totals: dict[str, tuple[float, int]] = {}
    for report in reports:
        if not report.counted:
            continue
        hs06, processors = totals.get(report.factory, (0.0, 0))
        totals[report.factory] = (
            hs06 + report.running_hs06,
            processors + report.running_processors,
        )
    others = sorted(
        factory
        for factory, (hs06, processors) in totals.items()
        if processors and (abs(hs06 / processors - 1) > TOLERANCE) is not ours
    )
    if not others or space.hs06_per_processor == 1:
        return ()
    set_at, unset_at = ("here", _named(others)) if ours else (_named(others), "here")
    return (
        f"hs06_per_processor is set {set_at} and seems not to be {unset_at}: shares are weighed"
        " unequally; set it on all factories, or on none",
    )


def _named(factories: Collection[str]) -> str:
    names = list(factories)[:NAMED]
    more = len(factories) - len(names)
    return "at " + ", ".join(names) + (f" and {more} more" if more else "")
