"""Which versions of images have to go."""

from __future__ import annotations

from collections.abc import Collection

from attrs import frozen

from vcycle.core.images.index import Index, Version

WANTED_SECONDS = 7200.0
"""What was wanted within this time is wanted: each cycle asks anew for what it needs."""


@frozen(kw_only=True)
class Removal:
    """A version to remove, and why."""

    url: str
    version: Version
    why: str


@frozen(kw_only=True)
class Pruning:
    """
    What to remove; ``short`` is how many bytes too many will be there all the same, as what is
    left is in use.
    """

    removals: tuple[Removal, ...] = ()
    short: int = 0


def prune(
    index: Index, in_use: Collection[str], *, now: float, keep: int, budget: int, more: int = 0
) -> Pruning:
    """
    At most ``keep`` versions of each address, and ``budget`` bytes of all together with ``more``
    that are to come; the least recently used go first, and never one of the files ``in_use``,
    nor one that was wanted lately.
    """
    removals = []
    rest: list[tuple[float, str, Version]] = []
    total = more
    for url, entry in index.entries.items():
        kept = 0
        for version in entry.versions:
            safe = version.file in in_use or abs(now - version.used_at) < WANTED_SECONDS
            if kept >= keep and not safe:
                why = f"there are {keep} newer versions"
                removals.append(Removal(url=url, version=version, why=why))
                continue
            kept += 1
            total += version.size
            if not safe:
                rest.append((version.used_at, url, version))
    for _, url, version in sorted(rest, key=lambda each: (each[0], each[1], each[2].file)):
        if total <= budget:
            break
        total -= version.size
        why = "it was not used for longest, and room is needed"
        removals.append(Removal(url=url, version=version, why=why))
    return Pruning(removals=tuple(removals), short=max(0, total - budget))
