"""Where the spool of accounting is, and what is done to it one process at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from attrs import define, field

from vcycle.core.accounting.places import DAY, ELEMENT
from vcycle.store.atomic import PUBLIC, Step, make_directory, quietly, sync_directory
from vcycle.store.layout import absolute

ARCHIVE = "apel-archive"
OUTGOING = "apel-outgoing"
LEDGER = "apel-ledger"
PENDING = "apel-pending"
TRIES = 5
"""How often a day's directory is made again that its reader removed because it was empty."""


@define(eq=False)
class Place:
    """
    The spool below one state directory. All of this blocks.

    ``step`` is told before each change of the disk. What a command makes that root runs belongs to
    the owner of the state directory: the daemon has to write there too.
    """

    state_dir: str = field(converter=absolute)
    step: Step = quietly

    def path(self, *names: str) -> str:
        return os.path.join(self.state_dir, *names)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone with the spool, among threads and processes."""
        self.directory(PENDING)
        fd = os.open(self.path(PENDING), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def directory(self, *names: str) -> str:
        """A directory of the spool, which is there afterwards."""
        for count in range(1, len(names) + 1):
            path = self.path(*names[:count])
            # Its reader may remove an empty day at any moment, which is made again then.
            try:
                if make_directory(path, self.step):
                    self.give(path)
            except FileExistsError:
                if not os.path.isdir(path):
                    raise
        return self.path(*names)

    def give(self, path: str) -> None:
        """Leave what was made to whom the state directory belongs to."""
        if os.geteuid() == 0:
            owner = os.stat(self.state_dir)
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)

    def move(self, source: str, top: str, day: str, name: str) -> None:
        """Move a file into a day of the queue: it is in one of both places at any moment."""
        target = self.path(top, day, name)
        for left in reversed(range(TRIES)):
            self.directory(top, day)
            self.step("move", target)
            try:
                os.rename(source, target)
            except FileNotFoundError:
                if left and os.path.lexists(source):
                    continue
                raise
            except OSError as error:
                raise OSError(error.errno, error.strerror, target) from error
            return

    def link(self, source: str, top: str, day: str, names: Iterator[str]) -> str:
        """Put a file into a day under the first name that is free, which is given back."""
        for name in names:
            target = self.path(top, day, name)
            for left in reversed(range(TRIES)):
                self.directory(top, day)
                self.step("link", target)
                try:
                    os.link(source, target)
                except FileNotFoundError:
                    if left and os.path.lexists(source):
                        continue
                    raise
                except FileExistsError:
                    break
                sync_directory(os.path.dirname(target))
                return name
        raise OSError(f"no name is free in {self.path(top, day)}")

    def days(self, top: str) -> Sequence[str]:
        """The days of archive or queue that there are, the oldest first."""
        with suppress(FileNotFoundError):
            return sorted(name for name in os.listdir(self.path(top)) if DAY.fullmatch(name))
        return ()

    def elements(self, top: str, day: str) -> tuple[list[str], list[str]]:
        """The names of a day's records, and those of files that no reader will ever look at."""
        try:
            found = sorted(os.listdir(self.path(top, day)))
        except (FileNotFoundError, NotADirectoryError):
            return [], []
        good = [name for name in found if ELEMENT.fullmatch(name)]
        others = set(found).difference(good)
        return good, sorted(name for name in others if not _passing(name))

    def append(self, month: str, lines: Sequence[str]) -> None:
        """Add lines to the ledger of a month, durably; only while ``locked``."""
        if not lines:
            return
        directory = self.directory(LEDGER)
        path = os.path.join(directory, month)
        fresh = not os.path.lexists(path)
        self.step("append", path)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(path, flags, PUBLIC)
        try:
            data = "".join(lines).encode("ascii")
            size = os.fstat(fd).st_size
            if size and os.pread(fd, 1, size - 1) != b"\n":
                data = b"\n" + data  # A line that a crash cut short is not joined to the next one.
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        if fresh:
            os.chmod(path, PUBLIC)
            self.give(path)
            sync_directory(directory)


def _passing(name: str) -> bool:
    """Locks and half-written files come and go, by the reader's own rules."""
    return name.startswith(".") or name.endswith((".lck", ".tmp"))
