"""How it stands with each address, for those who look at the cache, and in words."""

from __future__ import annotations

import enum

from attrs import frozen

from vcycle.core.images.index import Entry

UNITS = ("bytes", "KB", "MB", "GB", "TB")


class Standing(enum.Enum):
    """``OLD``: a good copy is used whose server could not be asked since."""

    GOOD = "good"
    OLD = "old"
    MISSING = "missing"


@frozen(kw_only=True)
class Progress:
    """Bytes that are here of a download, and of how many, if that is known."""

    done: int = 0
    total: int | None = None


@frozen(kw_only=True)
class ImageStatus:
    """
    One address. ``size`` and ``sha256`` are the newest version's, ``stored`` of all versions;
    times are Unix seconds, ``confirmed_at`` when its server last said that it is the newest.
    ``progress`` is that of a download under way, and None if there is none.
    """

    url: str
    standing: Standing
    versions: int
    stored: int
    size: int | None
    sha256: str | None
    signed_by: str | None
    fetched_at: float | None
    confirmed_at: float | None
    problem: str | None
    progress: Progress | None


def status_of(url: str, entry: Entry, progress: Progress | None) -> ImageStatus:
    """What is known of an address."""
    newest = entry.versions[0] if entry.versions else None
    good = Standing.OLD if entry.failures else Standing.GOOD
    return ImageStatus(
        url=url,
        standing=Standing.MISSING if newest is None else good,
        versions=len(entry.versions),
        stored=sum(version.size for version in entry.versions),
        size=None if newest is None else newest.size,
        sha256=None if newest is None else newest.sha256,
        signed_by=None if newest is None else newest.signed_by,
        fetched_at=None if newest is None else newest.fetched_at,
        confirmed_at=entry.confirmed_at,
        problem=entry.problem,
        progress=progress,
    )


def row_of(status: ImageStatus) -> dict[str, object]:
    """The same for programs: texts, numbers, and None for what is not known."""
    progress = status.progress
    return {
        "image": status.url,
        "state": "fetching" if progress is not None else status.standing.value,
        "versions": status.versions,
        "bytes": status.stored,
        "size": status.size,
        "sha256": status.sha256,
        "signed_by": status.signed_by,
        "fetched_at": status.fetched_at,
        "confirmed_at": status.confirmed_at,
        "problem": status.problem,
        "fetched_bytes": None if progress is None else progress.done,
        "total_bytes": None if progress is None else progress.total,
    }


def named(url: str, reason: str) -> str:
    """A reason with the address that it is about, once."""
    return reason if reason.startswith(url) else f"{url}: {reason}"


def amount(number: int) -> str:
    """A number of bytes in three digits, such as 410 MB."""
    value, unit = float(number), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    digits = 0 if unit == 0 or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f} {UNITS[unit]}"


def told(progress: Progress) -> str:
    """How far a download is, such as ``34 % of 410 MB``."""
    if progress.total is None:
        return amount(progress.done)
    if not progress.total:
        return "all of nothing"
    return f"{100 * progress.done // progress.total} % of {amount(progress.total)}"
