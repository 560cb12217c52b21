"""What machines leave: bounded in size and number, whole, and never anywhere else."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from threading import Lock
from typing import IO

from attrs import field, frozen

from vcycle.core.errors import StoreError
from vcycle.core.machine import Record, Traces
from vcycle.core.quota import Quota, excess, refused_name
from vcycle.store.atomic import Step, make_directory, temporary, told
from vcycle.store.layout import LEFTOVER, OUTPUTS
from vcycle.store.reading import read_traces

CHUNK = 65536


@frozen
class Outputs:
    """Keeps job outputs below a machine's directory."""

    quota: Quota
    step: Step
    _lock: Lock = field(factory=Lock)

    def put(self, directory: str, record: Record, name: str, body: IO[bytes], now: float) -> Traces:
        """
        Keep one output as written at ``now``, and read all traces again.

        The heartbeat file is atomic but not forced to the disk: it comes often, and says
        nothing that survives its host.

        :raises StoreError: over quota, a name against the rules, or no disk.
        """
        refusal = refused_name(name)
        if refusal is not None:
            raise StoreError(f"{record.name}: {refusal}")
        outputs = os.path.join(directory, OUTPUTS)
        with told(outputs):
            if os.path.isdir(directory):
                make_directory(outputs, self.step)
            folder = os.open(outputs, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                self._put(folder, os.path.join(outputs, name), record, body, now)
            finally:
                os.close(folder)
        return read_traces(directory, record)

    def _put(self, folder: int, path: str, record: Record, body: IO[bytes], now: float) -> None:
        name = os.path.basename(path)
        durable = name != record.limits.heartbeat_file
        temp = temporary(name)
        self.step("write", path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(temp, flags, 0o640, dir_fd=folder)
        try:
            try:
                size = self._copy(fd, body, path)
                os.utime(fd, ns=(int(now * 1e9), int(now * 1e9)))
                if durable:
                    self.step("sync", path)
                    os.fsync(fd)
            finally:
                os.close(fd)
            # Two outputs at once must not both find the same room.
            with self._lock:
                self._refuse_excess(folder, name, size, record)
                self.step("rename", path)
                os.rename(temp, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                self.step("remove", path)
                os.unlink(temp, dir_fd=folder)
            raise
        if durable:
            self.step("sync", os.path.dirname(path))
            os.fsync(folder)

    def _copy(self, fd: int, body: IO[bytes], path: str) -> int:
        room = os.fstatvfs(fd)
        free = room.f_bavail * room.f_frsize - self.quota.reserve_bytes
        size = 0
        while True:
            chunk = body.read(CHUNK)
            if not chunk:
                return size
            size += len(chunk)
            if size > self.quota.file_bytes:
                raise StoreError(f"{path}: larger than the quota of {self.quota.file_bytes} bytes")
            if size > free:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
            view = memoryview(chunk)
            while view:
                view = view[os.write(fd, view) :]

    def _refuse_excess(self, folder: int, name: str, size: int, record: Record) -> None:
        others = {}
        for other in os.listdir(folder):
            if not other.startswith(LEFTOVER):
                found = os.stat(other, dir_fd=folder, follow_symlinks=False)
                others[other] = found.st_size if stat.S_ISREG(found.st_mode) else 0
        refusal = excess(self.quota, name, size, others)
        if refusal is not None:
            raise StoreError(f"{record.name}: {refusal}")
