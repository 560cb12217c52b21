"""Files that are the old or the new one, whole, at any moment, and durable when we say so."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Callable

from attrs import define, field

from vcycle.core.cures import cure_of
from vcycle.core.errors import StoreError

Step = Callable[[str, str], None]
"""Told what is about to be done to which path, before each change of the disk."""

SECRET = 0o600
PUBLIC = 0o644
DIRECTORY = 0o755
OPEN_FILES = 64
"""Files of one batch that are open at a time."""

_serial = itertools.count()


def quietly(_what: str, _path: str) -> None:
    """The Step of those who need not know."""


@contextmanager
def told(path: str) -> Iterator[None]:
    """Turns an OSError into a StoreError that names the path and the cure."""
    try:
        yield
    except OSError as error:
        cure = cure_of(errno.errorcode.get(error.errno or 0))
        name = error.filename
        where = name if isinstance(name, str) and os.path.isabs(name) else path
        raise StoreError(f"{where}: {error.strerror or error}; {cure}") from error


def temporary(name: str) -> str:
    """A name for the half-written ``name``, unlike all others of this process."""
    return f".{name[:64]}.{os.getpid()}.{next(_serial)}"


def make_directory(path: str, step: Step = quietly) -> bool:
    """
    Make a directory that others may enter, and whatever is missing above it, durably.

    Gives whether it was not there. The umask takes nothing away: a hypervisor's user has
    to pass.
    """
    if os.path.isdir(path):
        return False
    above = os.path.dirname(path)
    make_directory(above, step)
    step("make", path)
    os.mkdir(path)
    os.chmod(path, DIRECTORY)
    sync_directory(above)
    return True


def sync_directory(path: str) -> None:
    """Make the names in a directory durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@define
class _Staged:
    path: str
    temp: str
    fd: int | None


@define(eq=False)
class Batch:
    """
    Files written beside their places first, and then put there all together.

    Nothing is in place before ``commit``; leaving the ``with`` without it removes all again.
    ``rename`` puts one file into its place.
    """

    durable: bool = True
    step: Step = quietly
    rename: Callable[[str, str], None] = os.replace
    _staged: list[_Staged] = field(factory=list)
    _opened: list[_Staged] = field(factory=list)

    def __enter__(self) -> Batch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for staged in self._staged:
            if staged.fd is not None:
                os.close(staged.fd)
            # A killed process would not clean up either: what step refuses stays there.
            with suppress(OSError):
                self.step("remove", staged.temp)
                os.unlink(staged.temp)
        self._staged.clear()

    def add(self, path: str, data: bytes, mode: int = SECRET) -> None:
        """:raises OSError: it cannot be written; nothing is in its place yet."""
        directory, name = os.path.split(path)
        staged = _Staged(path, os.path.join(directory, temporary(name)), None)
        self.step("write", path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        staged.fd = os.open(staged.temp, flags, mode)
        self._staged.append(staged)
        # The umask of a daemon takes bits away that others need.
        os.fchmod(staged.fd, mode)
        view = memoryview(data)
        while view:
            view = view[os.write(staged.fd, view) :]
        if self.durable:
            # Writing starts now, so that the waiting below is for all files together.
            os.posix_fadvise(staged.fd, 0, 0, os.POSIX_FADV_DONTNEED)
        self._opened.append(staged)
        if len(self._opened) >= OPEN_FILES:
            self._settle()

    def commit(self) -> None:
        """:raises OSError: some, or all, are not in their places; those that are, are whole."""
        self._settle()
        directories = dict.fromkeys(os.path.dirname(staged.path) for staged in self._staged)
        self._staged.reverse()
        while self._staged:
            staged = self._staged[-1]
            self.step("rename", staged.path)
            self.rename(staged.temp, staged.path)
            self._staged.pop()
        if self.durable:
            for directory in directories:
                self.step("sync", directory)
                sync_directory(directory)

    def _settle(self) -> None:
        for staged in self._opened:
            if staged.fd is None:
                continue
            if self.durable:
                self.step("sync", staged.path)
                os.fsync(staged.fd)
            fd, staged.fd = staged.fd, None
            os.close(fd)
        self._opened.clear()


def write_file(
    path: str, data: bytes, mode: int = SECRET, durable: bool = True, step: Step = quietly
) -> None:
    """
    Replace one file.

    :raises StoreError: it is as it was.
    """
    with told(path), Batch(durable, step) as batch:
        batch.add(path, data, mode)
        batch.commit()
