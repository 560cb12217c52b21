"""When a server is asked again."""

from __future__ import annotations

from vcycle.core.images.index import Entry

FIRST_SECONDS = 15.0
MOST_SECONDS = 900.0
DEAR = 100
"""What can only be fetched whole again may keep the line busy for a hundredth of the time."""


def retry_seconds(failures: int) -> float:
    """How long after so many failures in a row a server is left alone."""
    if failures <= 0:
        return 0.0
    return min(FIRST_SECONDS * 2.0 ** min(failures - 1, 20), MOST_SECONDS)


def is_due(entry: Entry, now: float, check_seconds: float) -> bool:
    """Whether to ask, as somebody wants it now. A moment in the future is a clock set back."""
    if entry.failures and entry.tried_at is not None:
        return not 0 <= now - entry.tried_at < retry_seconds(entry.failures)
    if entry.confirmed_at is None or not entry.versions:
        return True
    seconds = check_seconds
    if not entry.versions[0].validators.any:
        seconds = max(seconds, DEAR * entry.seconds)
    return not 0 <= now - entry.confirmed_at < seconds
