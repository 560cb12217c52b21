"""Lines about what other factories ask."""

from __future__ import annotations

from vcycle.daemon.events.line import Operator

_log = Operator()


def answering(where: str) -> None:
    """The responder listens."""
    _log.info("Other factories are answered at {where}", event="answering", where=where)


def not_answering(where: str, reason: str) -> None:
    """The responder cannot listen; machines are made and supervised all the same."""
    _log.error(
        "Other factories cannot be answered at {where}: {reason}; it is tried again",
        event="not-answering",
        where=where,
        reason=reason,
    )
