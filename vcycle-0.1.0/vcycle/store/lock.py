"""One daemon for one state directory."""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import suppress

from attrs import define, field, frozen

from vcycle.core.errors import NotOurs, StoreError
from vcycle.interfaces import RunInThread
from vcycle.store.atomic import make_directory, told
from vcycle.store.layout import absolute

LOCK = "lock"
MAX_LOCK = 4096
_TRIES = 5


@frozen(kw_only=True)
class Holder:
    """
    Who holds, or held, a state directory.

    ``start`` is the process's start in clock ticks since the boot named by ``boot``, so that
    a pid that was given out again is not taken for it. ``since`` is in Unix seconds.
    """

    pid: int
    start: int
    boot: str
    since: float


@frozen
class Processes:
    """What /proc says of processes."""

    root: str = "/proc"

    def boot(self) -> str:
        """Names this boot of the host; "" where it cannot be read."""
        with suppress(OSError), open(f"{self.root}/sys/kernel/random/boot_id") as file:
            return file.read(64).strip()
        return ""

    def start(self, pid: int) -> int | None:
        """When the process was started, in clock ticks since boot; None if there is none."""
        try:
            with open(f"{self.root}/{pid}/stat", "rb") as file:
                # The command's name is in brackets, and may hold brackets and blanks itself.
                return int(file.read(4096).rpartition(b")")[2].split()[19])
        except (OSError, ValueError, IndexError):
            return None

    def alive(self, holder: Holder) -> bool:
        """Whether that very process still lives."""
        return holder.boot == self.boot() and holder.start == self.start(holder.pid)


def read_holder(path: str) -> Holder | None:
    """Who is written in a lock file; None if nobody, or nothing that makes sense."""
    try:
        with open(path, "rb") as file:
            data = json.loads(file.read(MAX_LOCK).decode("ascii"))
        values = (data["pid"], data["start"], data["boot"], data["since"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    pid, start, boot, since = values
    if type(pid) is not int or type(start) is not int or not 0 < pid < 1 << 31:
        return None
    if not isinstance(boot, str) or type(since) not in (int, float) or not 0 <= since < 1e11:
        return None
    return Holder(pid=pid, start=start, boot=boot, since=float(since))


@define(eq=False)
class StateLock:
    """
    Held from ``acquire`` to ``release``, or to the end of the process however it ends.

    The kernel's lock on the file decides. What is written in it is for people, and for
    filesystems whose locks are not the kernel's.
    """

    state_dir: str = field(converter=absolute)
    in_thread: RunInThread
    processes: Processes = Processes()
    _fd: int | None = field(default=None, init=False)

    @property
    def path(self) -> str:
        """The lock file, which is never removed."""
        return os.path.join(self.state_dir, LOCK)

    async def acquire(self, now: float) -> None:
        """
        Take the directory, which is made if it is not there.

        :raises NotOurs: another process has it; the text says which, and since when.
        :raises StoreError: it cannot be had.
        """

        def acquire() -> None:
            with told(self.path):
                make_directory(self.state_dir)
                self._fd = self._take(now)

        await self.in_thread(acquire)

    async def release(self) -> None:
        """Give the directory back; does nothing if it is not held."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def _take(self, now: float) -> int:
        for _ in range(_TRIES):
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            fd = os.open(self.path, flags, 0o644)
            try:
                self._lock(fd)
                # Somebody may have put another file there between our open and our lock.
                if os.path.samestat(os.fstat(fd), os.stat(self.path)):
                    self._sign(fd, now)
                    return fd
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)
        raise StoreError(f"{self.path} is replaced all the time; find out by whom")

    def _lock(self, fd: int) -> None:
        holder = read_holder(self.path)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._not_ours(holder) from None
        if holder is not None and holder.pid != os.getpid() and self.processes.alive(holder):
            raise self._not_ours(holder)

    def _not_ours(self, holder: Holder | None) -> NotOurs:
        if holder is None or not self.processes.alive(holder):
            who = "another process, which has not said which it is"
        else:
            since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(holder.since))
            who = f"the daemon with pid {holder.pid} since {since}"
        return NotOurs(
            f"{self.state_dir} belongs to {who}; stop that one, or set another state_dir"
        )

    def _sign(self, fd: int, now: float) -> None:
        pid = os.getpid()
        start = self.processes.start(pid)
        data = {"pid": pid, "start": start, "boot": self.processes.boot(), "since": now}
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps(data).encode("ascii") + b"\n", 0)
