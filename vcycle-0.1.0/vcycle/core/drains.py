"""Drains that an administrator asked for: nothing new is made, what is there goes on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from attrs import frozen

from vcycle.core.moments import moment

MAX_REASON = 200
MAX_DRAINS = 1000
MAX_BY = 64
MAX_NAME = 253


@frozen(kw_only=True)
class Drain:
    """
    ``space`` and ``machinetype`` None mean all of them. ``since`` and ``until`` are Unix seconds,
    as the administrator's calendar has them: None for until it is ended.
    """

    space: str | None = None
    machinetype: str | None = None
    reason: str
    by: str
    since: float
    until: float | None = None

    @property
    def target(self) -> tuple[str | None, str | None]:
        """What is drained: two drains of one target are one."""
        return self.space, self.machinetype


def told(drain: Drain) -> str:
    """Why nothing starts, as an operator reads it."""
    end = "it is resumed" if drain.until is None else moment(drain.until)
    return f"drained by {drain.by} since {moment(drain.since)}, until {end}: {drain.reason}"


def in_force(
    drains: Iterable[Drain], space: str, machinetype: str | None, now: float
) -> Drain | None:
    """The drain of a space (machinetype None) or of one machinetype, that ends last."""
    found = [
        drain
        for drain in drains
        if drain.machinetype == machinetype and drain.space in (None, space) and lasts(drain, now)
    ]
    return max(found, key=lambda d: math.inf if d.until is None else d.until, default=None)


def lasts(drain: Drain, now: float) -> bool:
    """Is it not over yet?"""
    return drain.until is None or now < drain.until


def drained(drains: Iterable[Drain], new: Drain) -> tuple[Drain, ...]:
    """The drains with a new one, which takes the place of a former one of the same target."""
    kept = tuple(drain for drain in drains if drain.target != new.target)
    return (*kept[-(MAX_DRAINS - 1) :], new)


def encode(drains: Iterable[Drain]) -> dict[str, object]:
    """The JSON object in which they are kept."""
    keys = ("space", "machinetype", "reason", "by", "since", "until")
    return {"version": 1, "drains": [{key: getattr(each, key) for key in keys} for each in drains]}


def decode(value: Mapping[str, object]) -> tuple[Drain, ...]:
    """
    The drains again.

    :raises ValueError: something in it is no drain: nobody knows then what was to rest.
    """
    found = value.get("drains", [])
    if not isinstance(found, list) or len(found) > MAX_DRAINS:
        raise ValueError("no list of drains")
    return tuple(map(_drain, found))


def _drain(value: object) -> Drain:
    if not isinstance(value, dict):
        raise ValueError("a drain is no object")
    since, until = value.get("since"), value.get("until")
    if not _finite(since) or not (until is None or _finite(until)):
        raise ValueError("a drain has no times")
    return Drain(
        space=_name(value.get("space")),
        machinetype=_name(value.get("machinetype")),
        reason=_text(value.get("reason"), MAX_REASON),
        by=_text(value.get("by"), MAX_BY),
        since=float(since),  # type: ignore[arg-type]
        until=None if until is None else float(until),
    )


def _finite(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e11


def _name(value: object) -> str | None:
    return None if value is None else _text(value, MAX_NAME)


def _text(value: object, most: int) -> str:
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        raise ValueError("a drain has a text that is none")
    return value
