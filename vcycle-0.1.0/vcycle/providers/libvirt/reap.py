"""
Reaping of QEMU processes, whose parent this process is when libvirt is embedded.

libvirt believes that a machine is gone once its process has vanished, and a process
vanishes when its parent reaps it: a lazy init would cost every end of a machine seconds.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path

from attrs import define, field

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> bool:
    """Have orphans among this process's descendants become its children; False if refused."""
    libc = ctypes.CDLL(None, use_errno=True)
    refused: int = libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    return refused == 0


@define
class Reaper:
    """
    Call ``reap`` several times a second. Processes whose name begins with one of
    ``prefixes`` are meant: no qemu-img, whose parent waits for it.

    A child that libvirt has started itself, and waits for, is a zombie only for an instant;
    so only zombies seen twice in a row are reaped.
    """

    prefixes: tuple[str, ...] = ("qemu-system", "qemu-kvm")
    _zombies: frozenset[int] = field(default=frozenset(), init=False)

    def reap(self) -> int:
        """Reap orphans that have ended, and say how many; never blocks, never raises."""
        zombies = frozenset(pid for pid in _children() if _is_zombie(pid, self.prefixes))
        reaped = 0
        for pid in zombies & self._zombies:
            with suppress(ChildProcessError):
                reaped += os.waitpid(pid, os.WNOHANG)[0] == pid
        self._zombies = zombies
        return reaped


def _children() -> list[int]:
    found: list[int] = []
    for file in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # a thread may end meanwhile
            found.extend(map(int, file.read_text(encoding="ascii").split()))
    return found


def _is_zombie(pid: int, prefixes: tuple[str, ...]) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    # The name stands in parentheses, and may hold any.
    name, _, rest = stat.partition("(")[2].rpartition(")")
    return rest.split()[:1] == ["Z"] and name.startswith(prefixes)
