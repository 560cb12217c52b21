"""What waits to be sent, for monitoring."""

from __future__ import annotations

from datetime import datetime, timezone

from attrs import frozen


@frozen(kw_only=True)
class Waiting:
    """
    How many records wait to be sent, and since when the oldest does (Unix seconds).

    ``oldest`` is None where nothing waits.
    """

    count: int
    oldest: float | None = None


def since(day: str, end: int | None) -> float:
    """
    Since when a record waits in a day (``YYYYMMDD``) of the queue.

    Its file's time does not say it, as each attempt to send it changes that. ``end`` is that of
    its machine: a record that is issued again is in the day on which that was done.
    """
    try:
        midnight = datetime.strptime(day, "%Y%m%d").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        midnight = 0.0
    return max(midnight, float(end or 0))
