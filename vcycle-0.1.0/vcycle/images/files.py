"""The cache's files: whole or not there, and errors with their cures. All of it blocks."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import itertools
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from vcycle.core.cures import cure_of
from vcycle.core.errors import FetchError

DIRECTORY = 0o755
PUBLIC = 0o644
FIXED = 0o444
"""Of images: a hypervisor's user reads them, and nobody changes them."""

READ_BYTES = 1 << 20
_serial = itertools.count()


@contextmanager
def told(path: str) -> Iterator[None]:
    """Turns an OSError into a FetchError that names the path and the cure."""
    try:
        yield
    except OSError as error:
        cure = cure_of(errno.errorcode.get(error.errno or 0))
        name = error.filename if isinstance(error.filename, str) else path
        raise FetchError(f"{name}: {error.strerror or error}; {cure}") from error


def make_directory(path: str, mode: int = DIRECTORY) -> None:
    """Make a directory, durably, if it is not there; others may enter it, unless by ``mode``."""
    if os.path.isdir(path):
        return
    above = os.path.dirname(path)
    if not os.path.isdir(above):
        make_directory(above)  # whatever our umask is
    os.makedirs(path, exist_ok=True)
    os.chmod(path, mode)
    give(path)
    sync_directory(above)


def give(path: str | int) -> None:
    """What root makes belongs to the daemon's user, as the directory it is in does."""
    if os.geteuid() != 0:
        return
    name = os.readlink(f"/proc/self/fd/{path}") if isinstance(path, int) else path
    above = os.stat(os.path.dirname(os.path.abspath(name)))
    os.chown(path, above.st_uid, above.st_gid)


def sync_directory(path: str) -> None:
    """Make the names in a directory durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_file(path: str, data: bytes) -> None:
    """Replace one file, durably; killed anywhere in between, it is as it was."""
    directory, name = os.path.split(path)
    temp = os.path.join(directory, f".{name[:64]}.{os.getpid()}.{next(_serial)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(temp, flags, PUBLIC)
    try:
        with os.fdopen(fd, "wb") as file:
            os.fchmod(fd, PUBLIC)
            give(temp)
            file.write(data)
            file.flush()
            os.fsync(fd)
        os.replace(temp, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temp)
        raise
    sync_directory(directory)


def read_file(path: str, most: int) -> bytes | None:
    """
    The whole of a regular file; None if there is none, or it is longer than ``most`` bytes, or
    no file at all.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, IsADirectoryError):
        return None
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None
        data = file.read(most + 1)
    return data if len(data) <= most else None


def remove_file(path: str) -> None:
    """Remove a file; one that is gone already is no error."""
    with suppress(FileNotFoundError):
        os.unlink(path)


def take_lock(path: str, wait: bool = False) -> int | None:
    """
    Lock a file against all other processes and threads until its number is closed, however the
    process ends; None if another has it and we do not ``wait``. The file is never removed.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, PUBLIC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        with suppress(PermissionError):  # it may be another user's
            os.utime(fd)  # what is in use is not swept away for its age
    except BlockingIOError:
        os.close(fd)
        return None
    except BaseException:
        os.close(fd)
        raise
    return fd


@contextmanager
def locked(path: str) -> Iterator[None]:
    """Holds the lock of a file."""
    fd = take_lock(path, wait=True)
    try:
        yield
    finally:
        if fd is not None:
            os.close(fd)


def digest(path: str, most: int | None = None) -> str:
    """SHA-256 of a file, or of its first ``most`` bytes, in hexadecimal."""
    return hashed(path, most).hexdigest()


def hashed(path: str, most: int | None = None) -> hashlib._Hash:
    """The running SHA-256 of the first bytes of a file."""
    running = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        left = most
        while left is None or left > 0:
            data = file.read(READ_BYTES if left is None else min(READ_BYTES, left))
            if not data:
                break
            running.update(data)
            left = None if left is None else left - len(data)
    return running


def free_bytes(directory: str) -> int:
    """What the daemon's user may still write on a directory's filesystem."""
    room = os.statvfs(directory)
    return room.f_bavail * room.f_frsize
