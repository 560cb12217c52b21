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


def pause_seconds(entry: Entry, needs: str, spent: float) -> float:
    """
    How long a server is left alone after it was asked in vain.

    Long if it gave all of what nobody of these ``needs`` can use, and cannot be asked whether that
    has changed; ``spent`` are the seconds that it took.
    """
    pause, refused = retry_seconds(entry.failures), entry.refused
    if not entry.failures or refused is None or refused.validators.any:
        return pause
    if refused.needs != needs or refused.reason != entry.problem:
        return pause
    return max(pause, DEAR * spent, DEAR * entry.seconds)


def is_due(entry: Entry, now: float, check_seconds: float, pause: float) -> bool:
    """
    Whether to ask, as somebody wants it now; ``pause`` is that after failures. A moment in the
    future is a clock set back.
    """
    if entry.failures and entry.tried_at is not None:
        return not 0 <= now - entry.tried_at < pause
    if entry.confirmed_at is None or not entry.versions:
        return True
    seconds = check_seconds
    if not entry.versions[0].validators.any:
        seconds = max(seconds, DEAR * entry.seconds)
    return not 0 <= now - entry.confirmed_at < seconds
