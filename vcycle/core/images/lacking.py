"""Images that machines wait for, and that cannot be had."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

WANTED_SECONDS = 3600.0
"""What nobody wanted for so long nobody waits for."""


def lacking(
    rows: Iterable[Mapping[str, object]], former: Mapping[str, float], now: float
) -> dict[str, float]:
    """
    Since when (Unix seconds) images are wanted, not here, and were asked for in vain, by what they
    are called; ``former`` is what was found so before.

    One that is being fetched for the first time lacks for nothing yet.
    """
    return {
        name: former.get(name, now)
        for name, row in ((str(row.get("image")), row) for row in rows)
        if row.get("size") is None and row.get("problem") and _wanted(row.get("wanted_at"), now)
    }


def _wanted(at: object, now: float) -> bool:
    return isinstance(at, (int, float)) and abs(now - at) < WANTED_SECONDS
