"""
The last good document of each vacuum pipe, in a file of its own. Everything here blocks.

They outlive what the fetching part keeps, which may be a server's page of excuse by now.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Collection, Mapping
from contextlib import suppress

from attrs import frozen

from vcycle.core.config.model import Configuration
from vcycle.core.errors import StoreError
from vcycle.core.pipes.document import MAX_BYTES
from vcycle.store.atomic import told
from vcycle.store.jsonfile import read_object, write_object
from vcycle.store.layout import Unreadable

VERSION = 1
KEPT_SECONDS = 30 * 86400
"""How long the copy of a pipe is kept that is no longer configured."""


@frozen(kw_only=True)
class Copy:
    """A document that could be used; ``fetched_at`` is when its server last gave it."""

    url: str
    body: bytes
    fetched_at: float


def urls_of(configuration: Configuration) -> tuple[str, ...]:
    """The addresses of all pipes, each once."""
    spaces = configuration.spaces.values()
    return tuple(dict.fromkeys(pipe.url for space in spaces for pipe in space.pipes.values()))


def directory_in(state_dir: str) -> str:
    """Where the copies are; only the daemon's user can read them."""
    return os.path.join(state_dir, "pipes")


def path_of(state_dir: str, url: str) -> str:
    """The file of one copy: an address would not do as a name."""
    name = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return os.path.join(directory_in(state_dir), f"{name}.json")


def recall(state_dir: str, urls: Collection[str]) -> dict[str, Copy]:
    """Those copies that are there and can be read, by URL."""
    copies = {}
    for url in urls:
        with suppress(StoreError, Unreadable, OSError):
            copy = _copy(read_object(path_of(state_dir, url)), url)
            if copy is not None:
                copies[url] = copy
    return copies


def _copy(content: Mapping[str, object], url: str) -> Copy | None:
    document, at = content.get("document"), content.get("fetched_at")
    if content.get("version") != VERSION or content.get("url") != url:
        return None
    if not isinstance(document, str) or len(document) > MAX_BYTES:
        return None
    if isinstance(at, bool) or not isinstance(at, (int, float)) or not math.isfinite(at):
        return None
    return Copy(url=url, body=document.encode("utf-8", "surrogatepass"), fetched_at=float(at))


def keep(state_dir: str, copy: Copy) -> None:
    """
    Keep a copy in place of the former one.

    :raises StoreError: the former one is still there.
    """
    path = directory_in(state_dir)
    with told(path):
        os.makedirs(path, mode=0o700, exist_ok=True)
    write_object(
        path_of(state_dir, copy.url),
        {
            "version": VERSION,
            "url": copy.url,
            "fetched_at": copy.fetched_at,
            "document": copy.body.decode("utf-8"),
        },
    )


def prune(state_dir: str, urls: Collection[str], now: float) -> None:
    """Remove copies of other pipes that have not been written for long."""
    keep = {os.path.basename(path_of(state_dir, url)) for url in urls}
    with suppress(OSError):
        for entry in list(os.scandir(directory_in(state_dir))):
            with suppress(OSError):
                if entry.name not in keep and now - entry.stat().st_mtime > KEPT_SECONDS:
                    os.unlink(entry.path)
