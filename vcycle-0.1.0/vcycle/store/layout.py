"""Where things are in a space's directory, and the limits of what is read back."""

from __future__ import annotations

import os
import stat

from vcycle.core.errors import StoreError
from vcycle.core.machine import Record
from vcycle.core.recordtext import MAX_TEXT, decode

MACHINES = "machines"
DAMAGED = "machines-damaged"
RECORD = "record.json"
FINISHED = "finished"
OUTPUTS = "joboutputs"
HISTORY = "history.json"
COUNTS = "counts"
LEFTOVER = "."
"""Names that begin so are never read: half-written files, directories being removed."""


class Unreadable(Exception):
    """A file is there, but does not hold what it should, and will not by itself."""


def absolute(path: str) -> str:
    """The path as it is now, whatever directory the daemon goes to later."""
    return os.path.abspath(path)


def read_bounded(path: str, most: int) -> bytes:
    """
    The first ``most`` bytes of a regular file; a symbolic link is not followed.

    :raises Unreadable: it is something else than a regular file.
    """
    if not stat.S_ISREG(os.stat(path, follow_symlinks=False).st_mode):
        raise Unreadable(f"{path} is not a regular file")
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb", buffering=0) as file:
        return file.read(most)


def read_record(directory: str) -> Record:
    """
    The record of one machine's directory.

    :raises FileNotFoundError: there is none.
    :raises Unreadable: it is damaged, or another machine's.
    """
    path = os.path.join(directory, RECORD)
    data = read_bounded(path, MAX_TEXT + 1)
    try:
        record = decode(data.decode("ascii"))
    except ValueError as error:
        raise Unreadable(f"{path}: {error}") from None
    if record.directory != os.path.basename(directory):
        raise Unreadable(f"{path}: holds the record of {record.directory}")
    return record


def refuse_unsafe(name: str, what: str) -> None:
    """:raises StoreError: the name would lead to another directory, or is kept for leftovers."""
    if not name or name.startswith(LEFTOVER) or "/" in name or "\0" in name:
        raise StoreError(f"{what} {name!r} cannot be the name of a file; choose another name")
