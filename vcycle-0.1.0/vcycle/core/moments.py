"""Moments and spans as people read them."""

from __future__ import annotations

from datetime import datetime, timezone


def moment(at: float) -> str:
    """A moment in UTC, to the second, as in ``2026-01-01 00:00:00Z``; strange ones as a number."""
    try:
        return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
    except (OverflowError, OSError, ValueError):
        return f"{at:.0f}"


def span(seconds: float) -> str:
    """A span in the largest two units that matter: ``45s``, ``3m 05s``, ``2h 10m``, ``4d 03h``."""
    whole = max(0, round(seconds))
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d {hour:02d}h"
    if hours:
        return f"{hours}h {minute:02d}m"
    if minutes:
        return f"{minutes}m {second:02d}s"
    return f"{second}s"
