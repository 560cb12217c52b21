"""Names in the spool of accounting: days, months, and the names of records."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from vcycle.core.accounting.messages import clean

DAY = re.compile(r"[0-9]{8}")
ELEMENT = re.compile(r"[0-9a-f]{14}")
"""Days and names; a reader of the queue ("dirq") passes over whatever looks otherwise."""

DIGITS = 14
DAY_SECONDS = 86_400
_MONTH = re.compile(r"[0-9]{4}(0[1-9]|1[0-2])")
_FIRST_YEAR = 1970


def day(at: float) -> str:
    """The UTC day of a moment, as ``YYYYMMDD``."""
    return _utc(at).strftime("%Y%m%d")


def month(at: float) -> str:
    """The UTC month of a moment, as ``YYYYMM``."""
    return _utc(at).strftime("%Y%m")


def latest_month(now: float) -> str:
    """The month that is to be told of: until the first day of the next is over."""
    return month(now - DAY_SECONDS)


def month_named(text: str) -> str:
    """
    A month as it was given on a command line.

    :raises ValueError: it is none; the text says what is expected.
    """
    if not _MONTH.fullmatch(text) or int(text[:4]) < _FIRST_YEAR:
        raise ValueError(f"{text!r}: expected a month as YYYYMM, such as 202601")
    return text


def year_and_month(text: str) -> tuple[int, int]:
    return int(text[:4]), int(text[4:6])


def names(uuid: str) -> Iterator[str]:
    """
    The names that a machine's record may have, the first that is free is taken.

    The first is the beginning of the uuid, by which a record can be found with ``ls``.
    """
    digits = uuid.replace("-", "").lower()
    for start in range(len(digits) - DIGITS + 1):
        yield digits[start : start + DIGITS]


def moments(now: float) -> Iterator[str]:
    """Names for what is told now and is of no machine: the time of the day, and decimals."""
    at = _utc(now)
    for count in range(10**8):
        decimals = (at.microsecond * 100 + count) % 10**8
        yield at.strftime("%H%M%S") + f"{decimals:08d}"


def submit_host(space: str, factory: str) -> str:
    """What records of one factory of a space call the place where their machines were made."""
    return clean(f"{space}/vcycle-{factory}")


def distinguished_name(space: str) -> str:
    """A space as a DN: ``/DC=com/DC=example/DC=vcycle01`` of ``vcycle01.example.com``."""
    return "".join(f"/DC={label}" for label in reversed(space.split(".")) if label)


def _utc(at: float) -> datetime:
    return datetime(_FIRST_YEAR, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=max(0.0, at))
