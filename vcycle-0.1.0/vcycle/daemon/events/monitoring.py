"""Lines about what is shown to those who watch."""

from __future__ import annotations

from vcycle.daemon.events.line import Operator

_log = Operator()


def monitored(where: str) -> None:
    """The dashboard and the metrics are there."""
    _log.info("Dashboard and metrics are at {where}", event="monitored", where=where)


def not_monitored(where: str, reason: str) -> None:
    """Nobody can look; machines are made and supervised all the same."""
    _log.warn(
        "Dashboard and metrics cannot be shown at {where}: {reason}",
        event="not-monitored",
        where=where,
        reason=reason,
    )
