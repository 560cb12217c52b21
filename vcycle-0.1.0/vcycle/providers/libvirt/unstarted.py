"""
Domains that an embedded libvirt remembers, and never started.

libvirt writes a domain's status down before it knows the process of it. If it is killed in
between, it later takes the domain for one that is being started, for ever, and nobody can end
it: each call waits for a start that goes on no more.
"""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import suppress
from pathlib import Path

MAX_FILES = 10_000
HEAD_BYTES = 4096
_UNSTARTED = re.compile(rb"<domstatus\s[^>]*\bpid='0'")


def forget_unstarted(root: Path) -> list[str]:
    """
    Remove the status of domains below an embedded driver's root that have no process; their
    names.

    To be called before the driver is opened; while another process has it nothing is touched.
    Blocking, and quick.

    :raises OSError: a file cannot be read or removed.
    """
    directory = root / "run" / "qemu"
    if _in_use(directory / "driver.pid"):
        return []
    gone = []
    for path in sorted(directory.glob("*.xml"))[:MAX_FILES]:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if _UNSTARTED.search(head):
            path.unlink()
            gone.append(path.name[: -len(".xml")])
    return gone


def _in_use(lock: Path) -> bool:
    """
    Does another process hold the lock of a driver, as libvirt takes it?

    If this process held it, it would be lost by looking: that is the nature of such locks.
    """
    with suppress(FileNotFoundError):
        fd = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
    return False
