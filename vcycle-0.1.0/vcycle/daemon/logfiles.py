"""The log in files of its own, which others may rename at any time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from threading import Lock

from attrs import define, field
from twisted.logger import ILogObserver, LogEvent
from zope.interface import implementer

from vcycle.daemon.logs import OURS, lines_of, plain

FACTORY = "vcycled-factory"
RESPONDER = "vcycled-responder"
RESPONDERS = frozenset({"answering", "not-answering"})
"""Events that are the responder's; beside them all that its room says for developers."""

MODE = 0o640
AGAIN_SECONDS = 60.0
"""A file that could not be written to is tried again after so long."""

EARLY = 1000
"""Events that are kept until it is known where they go."""


@define(eq=False)
class LogFile:
    """
    Appends to the file at ``path``. Before each line it looks whether that is still the same file:
    who rotates logs has only to rename it.

    A line is written at once, on whatever thread: what was said before a crash is on the disk.
    """

    path: str
    _fd: int | None = None
    _identity: tuple[int, int] | None = None

    def write(self, data: bytes) -> None:
        """:raises OSError: it is not written."""
        if self._fd is None or self._there() != self._identity:
            self._reopen()
        if self._fd is not None:
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]

    def _there(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    def _reopen(self) -> None:
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
            fd = os.open(self.path, flags, MODE)
        except OSError:
            # A new file may come in a moment, by who took the old one away: that goes on.
            if self._fd is None:
                raise
            return
        status = os.fstat(fd)
        if self._fd is not None:
            os.close(self._fd)
        self._fd, self._identity = fd, (status.st_dev, status.st_ino)

    def close(self) -> None:
        """Not to be written to again."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


@implementer(ILogObserver)
@define(eq=False)
class LogFiles:
    """
    Lines with their times in two files of a directory: what other factories ask, and the rest.

    Until the directory is ``settled`` events wait. Where a file cannot be written to,
    ``complain`` is told once, and with it the lines that are lost to the file.
    """

    complain: Callable[[str], None]
    _files: dict[str, LogFile] = field(factory=dict)
    _early: deque[LogEvent] = field(factory=lambda: deque(maxlen=EARLY))
    _directory: str | None = None
    _failed_at: dict[str, float] = field(factory=dict)
    _writing: Lock = field(factory=Lock)

    def settle(self, directory: str) -> None:
        """From now on, and what waited, below this directory."""
        with self._writing:
            self._directory = directory
            while self._early:
                self._write(self._early.popleft(), directory)

    def __call__(self, event: LogEvent) -> None:
        with self._writing:
            if self._directory is None:
                self._early.append(dict(event))
            else:
                self._write(event, self._directory)

    def _write(self, event: LogEvent, directory: str) -> None:
        name = file_of(event)
        now = float(event.get("log_time") or 0.0)
        text = "".join(f"{plain(event)}{line}\n" for line in lines_of(event))
        failed_at = self._failed_at.get(name)
        if failed_at is not None and 0 <= now - failed_at < AGAIN_SECONDS:
            self.complain(text)
            return
        file = self._files.setdefault(name, LogFile(os.path.join(directory, name)))
        try:
            file.write(text.encode("utf-8", "replace"))
            self._failed_at.pop(name, None)
        except OSError as error:
            if failed_at is None:
                why = error.strerror or str(error)
                self.complain(f"vcycled: {file.path}: {why}; its lines go here\n")
            self._failed_at[name] = now
            self.complain(text)

    def close(self) -> None:
        """No more lines."""
        with self._writing:
            for file in self._files.values():
                file.close()


def file_of(event: LogEvent) -> str:
    """The name of the file for an event."""
    namespace = str(event.get("log_namespace", ""))
    responders = event.get("event") in RESPONDERS or namespace.startswith(f"{OURS}.vacquery.")
    return RESPONDER if responders else FACTORY


@define(eq=False)
class LogKeeper:
    """
    Has ``publish`` (of Twisted's publisher, to add an observer) told of files, once it is known
    where they are; ``observer`` is what is filtered in front of them.
    """

    files: LogFiles
    observer: ILogObserver
    publish: Callable[[ILogObserver], None]

    def begin(self) -> None:
        """Keep what is said from now on."""
        self.publish(self.observer)

    def settle(self, directory: str) -> None:
        """Write it below this directory."""
        self.files.settle(directory)
