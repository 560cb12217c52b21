"""Disks as files: overlays made by qemu-img, blank sparse ones, and CD-ROMs."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import Callable

from attrs import frozen
from zope.interface import implementer

from vcycle.core.errors import CallTimedOut, DiskError, HostFault
from vcycle.core.machine import Forming
from vcycle.core.qcow2 import HEADER_BYTES, virtual_size
from vcycle.core.room import HEADROOM
from vcycle.disks.seed import volume
from vcycle.interfaces import IDisks, RunInThread

Run = Callable[[Sequence[str], float], "subprocess.CompletedProcess[bytes]"]
"""Runs a program to its end, or raises subprocess.TimeoutExpired after so many seconds."""

PRIVATE = 0o600
MAX_WORDS = 500
_serial = itertools.count()


def run_program(command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[bytes]:
    """A Run without a shell, input or the daemon's environment."""
    return subprocess.run(  # noqa: S603 (a list of arguments, and no shell)
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
        env={"PATH": os.defpath, "LC_ALL": "C"},
        cwd="/",
        check=False,
    )


@implementer(IDisks)
@frozen
class QemuDisks:
    """
    Forms disks in a thread, one after the other.

    ``headroom_bytes`` must be free for each new disk, or its whole size if that is less: disks
    are sparse, so more may be promised than is there. ``seconds`` bounds one run of qemu-img.
    """

    in_thread: RunInThread
    qemu_img: str = "qemu-img"
    run: Run = run_program
    headroom_bytes: int = HEADROOM
    seconds: float = 60.0

    async def form(self, wanted: Sequence[Forming]) -> None:
        formings = tuple(wanted)
        if formings:
            await self._in_thread(lambda: self._form(formings))

    async def remove(self, paths: Sequence[str]) -> None:
        gone = tuple(paths)
        if gone:
            await self._in_thread(lambda: _remove(gone))

    async def _in_thread(self, work: Callable[[], None]) -> None:
        try:
            await self.in_thread(work)
        except CallTimedOut as error:
            raise HostFault(
                f"forming disks took too long: {error}; see whether the disk works"
            ) from error

    def _form(self, wanted: Sequence[Forming]) -> None:
        done: list[str] = []
        try:
            for forming in wanted:
                if not os.path.lexists(forming.disk.path):
                    self._form_one(forming)
                    done.append(forming.disk.path)
        except BaseException as error:
            for path in done:
                with suppress(OSError):
                    os.unlink(path)
            if isinstance(error, OSError):
                name = error.filename or wanted[0].disk.path
                raise HostFault(f"{name}: {error.strerror}; see whether the disk works") from error
            raise

    def _form_one(self, forming: Forming) -> None:
        path = forming.disk.path
        if forming.backing is None and forming.size is None and forming.seed is None:
            raise DiskError(f"{path}: this image is not there; put it back")
        directory, name = os.path.split(path)
        # A name that begins with a dot is swept up with the other leftovers of a crash.
        temp = os.path.join(directory, f".{name}.{os.getpid()}.{next(_serial)}")
        try:
            if forming.seed is not None:
                self._form_seed(temp, volume(forming.seed))
            elif forming.backing is None:
                self._form_blank(temp, forming, forming.size or 0)
            else:
                self._form_overlay(temp, forming, forming.backing)
            os.rename(temp, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temp)
            raise

    def _form_blank(self, temp: str, forming: Forming, size: int) -> None:
        if forming.disk.kind != "raw" or size <= 0:
            raise DiskError(f"{forming.disk.path}: a blank disk is raw and larger than nothing")
        self._refuse_crowding(temp, size)
        fd = _new(temp)
        try:
            os.ftruncate(fd, size)
        finally:
            os.close(fd)

    def _form_seed(self, temp: str, content: bytes) -> None:
        """Read by nobody but the hypervisor: it holds the machine's secret and user_data."""
        self._refuse_crowding(temp, len(content))
        with os.fdopen(_new(temp), "wb") as file:
            file.write(content)

    def _form_overlay(self, temp: str, forming: Forming, backing: str) -> None:
        path = forming.disk.path
        if forming.disk.kind != "qcow2" or not (os.path.isabs(backing) and os.path.isabs(path)):
            raise DiskError(f"{path}: an overlay is qcow2, and its paths are absolute")
        kind, size = _base(backing)
        self._refuse_crowding(temp, forming.size or size)
        command = [self.qemu_img, "create", "-q", "-f", "qcow2", "-b", backing, "-F", kind, temp]
        if forming.size is not None:
            command.append(str(forming.size))
        try:
            result = self.run(command, self.seconds)
        except subprocess.TimeoutExpired:
            raise HostFault(
                f"{path}: qemu-img did not end within {self.seconds:g} s;"
                " see whether the disk works"
            ) from None
        except FileNotFoundError:
            raise HostFault(
                f"{path}: there is no {self.qemu_img}; install qemu-utils (Debian) or qemu-img (EL)"
            ) from None
        if result.returncode != 0:
            raise DiskError(f"{path}: qemu-img failed: {_words(result.stderr)}")
        os.chmod(temp, PRIVATE)

    def _refuse_crowding(self, temp: str, size: int) -> None:
        directory = os.path.dirname(temp)
        room = os.statvfs(directory)
        free, needed = room.f_bavail * room.f_frsize, min(size, self.headroom_bytes)
        if free < needed:
            raise HostFault(
                f"{directory}: {needed} bytes must be free for a disk of {size} bytes, but only"
                f" {free} are; make room"
            )


def _new(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, PRIVATE)


def _base(path: str) -> tuple[str, int]:
    """The format and the size of a backing image."""
    try:
        with open(path, "rb") as file:
            header = file.read(HEADER_BYTES)
            length = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise DiskError(f"{path}: {error.strerror}; put the image there") from error
    try:
        size = virtual_size(header)
    except ValueError as error:
        raise DiskError(f"{path}: {error}") from None
    return ("raw", length) if size is None else ("qcow2", size)


def _remove(paths: Sequence[str]) -> None:
    problem: OSError | None = None
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            problem = error
    if problem is not None:
        raise DiskError(f"{problem.filename}: {problem.strerror}; remove it by hand") from problem


def _words(output: bytes) -> str:
    text = output[-MAX_WORDS:].decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
