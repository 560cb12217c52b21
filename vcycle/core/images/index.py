"""What the cache knows of each address: its versions that are here, and how asking went."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, evolve, frozen

from vcycle.core.images.exchange import Validators


@frozen(kw_only=True)
class Version:
    """
    One state of a file, whole, under a name of its own where nothing changes it.

    ``signed_by`` is whose signature it was fetched with, if one was asked for; ``expected`` the
    SHA-256 that was. Times are Unix seconds; ``used_at`` is when it was last wanted.
    """

    file: str
    sha256: str
    size: int
    validators: Validators
    fetched_at: float
    used_at: float
    signed_by: str | None = None
    expected: str | None = None


@frozen(kw_only=True)
class Refused:
    """What a server had that nobody could use: not fetched again while nobody wants other."""

    validators: Validators
    sha256: str
    needs: str
    reason: str


@frozen(kw_only=True)
class Entry:
    """
    One address; ``versions`` has the newest first.

    ``confirmed_at`` is when the server last said that it is the newest. Since then it was asked
    ``failures`` times in vain, last at ``tried_at``, because of ``problem``. ``seconds`` is how
    long the last download took.
    """

    versions: tuple[Version, ...] = ()
    confirmed_at: float | None = None
    tried_at: float | None = None
    failures: int = 0
    problem: str | None = None
    refused: Refused | None = None
    seconds: float = 0.0


@frozen(kw_only=True)
class Index:
    """All addresses."""

    entries: Mapping[str, Entry] = Factory(dict)

    def entry(self, url: str) -> Entry:
        """What is known of an address."""
        return self.entries.get(url, Entry())

    def lists(self, version: Version) -> bool:
        """Whether the same content is in use under the same name."""
        return any(
            (each.file, each.sha256, each.size) == (version.file, version.sha256, version.size)
            for entry in self.entries.values()
            for each in entry.versions
        )

    def put(self, url: str, entry: Entry) -> Index:
        """With another entry for an address; one that says nothing goes."""
        entries = {**self.entries, url: entry}
        if entry == Entry():
            del entries[url]
        return Index(entries=entries)

    def without(self, files: set[str]) -> Index:
        """Without these versions; an address of which there is nothing left is forgotten."""
        entries = {}
        for url, entry in self.entries.items():
            kept = tuple(each for each in entry.versions if each.file not in files)
            if kept == entry.versions:
                entries[url] = entry
            elif kept:
                newest_gone = kept[0] is not entry.versions[0]
                confirmed = None if newest_gone else entry.confirmed_at
                entries[url] = evolve(entry, versions=kept, confirmed_at=confirmed)
        return Index(entries=entries)


def confirmed(entry: Entry, now: float) -> Entry:
    """The server said that the newest version is the newest."""
    return evolve(entry, confirmed_at=now, tried_at=now, failures=0, problem=None, refused=None)


def added(entry: Entry, version: Version, seconds: float) -> Entry:
    """A new version, or one that is here already and is the newest again."""
    others = tuple(each for each in entry.versions if each.file != version.file)
    return evolve(confirmed(entry, version.used_at), versions=(version, *others), seconds=seconds)


def failed(entry: Entry, now: float, problem: str, refused: Refused | None = None) -> Entry:
    """It was asked in vain."""
    return evolve(
        entry,
        tried_at=now,
        failures=entry.failures + 1,
        problem=problem,
        refused=refused or entry.refused,
    )


def without_failed(index: Index, before: float) -> Index:
    """Without addresses of which nothing is here and that were not asked for since ``before``."""
    entries = {
        url: entry
        for url, entry in index.entries.items()
        if entry.versions or (entry.tried_at or 0.0) >= before
    }
    return index if len(entries) == len(index.entries) else Index(entries=entries)


def used(entry: Entry, file: str, now: float) -> Entry:
    """A version was wanted."""
    versions = tuple(
        evolve(each, used_at=max(now, each.used_at)) if each.file == file else each
        for each in entry.versions
    )
    return evolve(entry, versions=versions)
