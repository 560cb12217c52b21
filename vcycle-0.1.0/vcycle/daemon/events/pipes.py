"""Lines about vacuum pipes."""

from __future__ import annotations

from vcycle.daemon.events.line import Operator

_log = Operator()


def pipe_read(space: str, pipe: str, url: str, count: int) -> None:
    """A pipe's document is new, or can be had again."""
    _log.info(
        "{space}: Vacuum pipe {pipe}: {count} machinetype{plural} in {url}",
        event="pipe-read",
        space=space,
        pipe=pipe,
        count=count,
        plural="" if count == 1 else "s",
        url=url,
    )


def pipe_troubled(space: str, pipe: str, reason: str) -> None:
    """A pipe's document cannot be had, or cannot be used; the last good one, if any, is."""
    _log.warn(
        "{space}: Vacuum pipe {pipe}: {reason}",
        event="pipe-troubled",
        space=space,
        pipe=pipe,
        reason=reason,
    )


def pipe_not_kept(reason: str) -> None:
    """Should the server be away at the next start, an older document or none is used."""
    _log.warn(
        "A vacuum pipe's document is not kept for the next start: {reason}",
        event="pipe-not-kept",
        reason=reason,
    )
