"""The images of the cache as a table, and for programs."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from vcycle.commands.asking import NoAnswer, ask
from vcycle.commands.frames import screen_size
from vcycle.commands.views.columns import Column, Look
from vcycle.core.errors import VcycleError
from vcycle.core.images.index import Entry, Version
from vcycle.core.images.states import Progress, amount, named, status_of, told
from vcycle.core.table import clean, span, wants_colour

DIGEST_LETTERS = 12
ASK_SECONDS = 2.0
MOST_NAMED = 2
"""Machines of one version whose names are in the wide table."""


@frozen
class Row:
    """One version of an image, or an image of which none is here."""

    url: str
    version: Version | None
    standing: str
    path: str | None
    now: float
    used_by: tuple[str, ...] | None

    @property
    def age(self) -> float | None:
        """Seconds since it was fetched."""
        return None if self.version is None else self.now - self.version.fetched_at

    @property
    def in_use(self) -> str:
        """How many machines live on it."""
        if self.version is None:
            return "-"
        return "?" if self.used_by is None else str(len(self.used_by))

    @property
    def users(self) -> str:
        """The names of the first of these machines, and how many more there are."""
        if self.version is None or not self.used_by:
            return "?" if self.version is not None and self.used_by is None else "-"
        more = len(self.used_by) - MOST_NAMED
        named = self.used_by[:MOST_NAMED]
        return " ".join((*named, f"+{more}") if more > 0 else named)


def _of(row: Row, name: str) -> Any:
    return None if row.version is None else getattr(row.version, name)


def _size(value: Any) -> str:
    return "-" if value is None else amount(value)


COLUMNS: tuple[Column[Row], ...] = (
    Column("url", lambda row: row.url),
    Column("sha256", lambda row: (_of(row, "sha256") or "")[:DIGEST_LETTERS]),
    Column("size", lambda row: _of(row, "size"), _size, right=True),
    Column("signed by", lambda row: _of(row, "signed_by")),
    Column("fetched", lambda row: row.age, span, right=True),
    Column("machines", lambda row: row.in_use, right=True),
    Column("state", lambda row: row.standing),
    Column("used by", lambda row: row.users, wide=True),
    Column("path", lambda row: row.path, wide=True),
)


def shown(state_dir: str, arguments: argparse.Namespace) -> tuple[str, list[str]]:
    """
    What is printed, and what is wrong.

    :raises VcycleError: the cache cannot be read.
    """
    from vcycle.daemon.instants import wall
    from vcycle.images.place import directory_in
    from vcycle.images.shelf import Shelf
    from vcycle.store.inuse import images_in_use

    shelf, now = Shelf(directory_in(state_dir)), wall()
    entries = dict(shelf.read(mend=False).entries)
    problems = [] if shelf.damage is None else [shelf.damage]
    try:
        in_use = images_in_use(state_dir)
    except VcycleError as error:
        in_use = None
        problems.append(f"it is not known which images are in use: {error}")
    under_way = _under_way(state_dir)
    for url in under_way:
        entries.setdefault(url, Entry())
    rows = []
    for url, entry in sorted(entries.items()):
        problems += [] if entry.problem is None else [named(url, entry.problem)]
        versions: tuple[Version | None, ...] = entry.versions or (None,)
        for number, version in enumerate(versions):
            path = None if version is None else shelf.path(version.file)
            used_by = None if in_use is None or path is None else in_use.get(path, ())
            rows.append(
                Row(
                    url=url,
                    version=version,
                    standing="former" if number else _standing(url, entry, under_way.get(url)),
                    path=path,
                    now=now,
                    used_by=used_by,
                )
            )
    if arguments.output == "json":
        return _json(shelf.directory, entries, rows, under_way), problems
    if arguments.output == "name":
        return "".join(f"{clean(row.path)}\n" for row in rows if row.path), problems
    terminal = sys.stdout.isatty()
    look = Look(
        wide=arguments.output == "wide",
        headers=not arguments.no_headers,
        width=screen_size().columns if terminal and arguments.output == "table" else None,
        colour=wants_colour(terminal, os.environ),
    )
    return look.table(COLUMNS, rows) if rows else look.line("No images."), problems


def _standing(url: str, entry: Entry, progress: Progress | None) -> str:
    if progress is not None:
        return f"fetching, {told(progress)}"
    return status_of(url, entry, None).standing.value


def _under_way(state_dir: str) -> dict[str, Progress]:
    """What the daemon is fetching; nothing if there is none to ask."""
    from vcycle.monitor.place import socket_path

    try:
        answer = ask(socket_path(state_dir), "/v1/images", ASK_SECONDS)
    except NoAnswer:
        return {}
    found = {}
    listed = answer.get("images")
    for each in listed if isinstance(listed, list) else []:
        url, done = each.get("image"), each.get("fetched_bytes")
        total = each.get("total_bytes")
        if isinstance(url, str) and isinstance(done, int):
            found[url] = Progress(done=done, total=total if isinstance(total, int) else None)
    return found


def _json(
    directory: str,
    entries: Mapping[str, Entry],
    rows: list[Row],
    under_way: Mapping[str, Progress],
) -> str:
    images = []
    for url, entry in sorted(entries.items()):
        progress = under_way.get(url)
        images.append(
            {
                "url": url,
                "state": "fetching" if progress else status_of(url, entry, None).standing.value,
                "confirmed_at": entry.confirmed_at,
                "problem": entry.problem,
                "fetched_bytes": None if progress is None else progress.done,
                "total_bytes": None if progress is None else progress.total,
                "versions": [_version(row) for row in rows if row.url == url and row.version],
            }
        )
    document = {"version": 1, "directory": directory, "images": images}
    return json.dumps(document, indent=2) + "\n"


def _version(row: Row) -> dict[str, object]:
    version = row.version
    assert version is not None, "there is one"
    return {
        "path": row.path,
        "size": version.size,
        "sha256": version.sha256,
        "signed_by": version.signed_by,
        "fetched_at": version.fetched_at,
        "used_at": version.used_at,
        "used_by": None if row.used_by is None else list(row.used_by),
    }
