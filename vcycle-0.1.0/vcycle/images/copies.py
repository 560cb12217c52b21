"""Small files as they are kept on disk: a line that tells of what, and the body. All blocks."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection
from contextlib import suppress

from attrs import asdict, frozen

from vcycle.core.images.exchange import Validators
from vcycle.core.images.indextext import validators
from vcycle.images.files import make_directory, read_file, told, write_file
from vcycle.images.parts import key_of

DIRECTORY = "documents"
PRIVATE = 0o700
"""Templates and pipes are between their authors and us."""

MAX_BYTES = 64 << 20


@frozen(kw_only=True)
class Copy:
    """A document; ``confirmed_at`` (Unix seconds) is when its server said that it is the newest."""

    body: bytes
    validators: Validators
    confirmed_at: float


@frozen
class Copies:
    """
    The copies below the cache's directory.

    :raises FetchError: from all methods: the disk says no.
    """

    directory: str

    def read(self, url: str) -> Copy | None:
        """What was written last, if it is all there still."""
        path = self._path(url)
        with told(path):
            data = read_file(path, MAX_BYTES)
        line, _, body = (data or b"").partition(b"\n")
        try:
            known = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(known, dict) or known.get("url") != url:
            return None
        if known.get("sha256") != hashlib.sha256(body).hexdigest():
            return None
        at = known.get("confirmed_at")
        if isinstance(at, bool) or not isinstance(at, (int, float)) or not 0 <= at < 1e12:
            return None
        found = validators(known.get("validators"))
        return Copy(body=body, validators=found, confirmed_at=at)

    def write(self, url: str, copy: Copy) -> None:
        """Keep a copy, durably, in place of the former one."""
        path = self._path(url)
        known = {
            "url": url,
            "sha256": hashlib.sha256(copy.body).hexdigest(),
            "confirmed_at": copy.confirmed_at,
            "validators": asdict(copy.validators),
        }
        with told(path):
            make_directory(os.path.dirname(path), PRIVATE)
            write_file(path, json.dumps(known).encode("ascii") + b"\n" + copy.body)

    def sweep(self, urls: Collection[str], older_than: float) -> None:
        """Remove those of other addresses that were not written since."""
        keep = {key_of(url) for url in urls}
        directory = os.path.join(self.directory, DIRECTORY)
        with told(directory), suppress(FileNotFoundError), os.scandir(directory) as entries:
            for entry in entries:
                with suppress(OSError):
                    written = entry.stat(follow_symlinks=False).st_mtime
                    if entry.name not in keep and written < older_than:
                        os.unlink(entry.path)

    def _path(self, url: str) -> str:
        return os.path.join(self.directory, DIRECTORY, key_of(url))
