"""Processes, found by what was written down of them or by their command line, and ended."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

PR_SET_CHILD_SUBREAPER = 36


@frozen
class Process:
    """A process known for certain: its number, and when it began, in the kernel's ticks."""

    pid: int
    began: int

    @property
    def alive(self) -> bool:
        """Whether it is there still, and not another that got its number, and no zombie."""
        fields = _stat(self.pid)
        return bool(fields) and int(fields[19]) == self.began and fields[0] != "Z"

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it is there still."""
        if self.alive:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


def process(pid: int) -> Process | None:
    """The process of a number, if there is one."""
    fields = _stat(pid)
    return Process(pid, int(fields[19])) if fields else None


def of_command_line(text: str, program: str) -> list[Process]:
    """Running processes of a program whose command line holds a text."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        name = line.partition("\0")[0].rpartition("/")[2]
        one = process(int(entry.name)) if text in line and name.startswith(program) else None
        if one is not None:
            found.append(one)
    return found


def end(processes: Iterable[Process], patience: float) -> int:
    """Ask each to end, and end those by force that do not within ``patience`` seconds."""
    living = [one for one in processes if one.alive]
    asked = len(living)
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 10.0)):
        for one in living:
            one.send(number)
        until = time.monotonic() + seconds
        while living and time.monotonic() < until:
            reap()
            living = [one for one in living if one.alive]
            time.sleep(0.05)
    return asked


def adopt_orphans() -> None:
    """
    Become the parent of what our children leave behind.

    libvirt waits until the process of an ended guest is gone, and in a container whose first
    process reaps slowly, or never, that takes long.
    """
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap(but: int = 0) -> None:
    """Take note of the ended children, except the one whose end somebody else waits for."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid == but:
            return
        os.waitpid(ended.si_pid, 0)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on; [] if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []
