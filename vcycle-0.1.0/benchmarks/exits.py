"""When QEMU processes end, as the kernel tells it."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path
from threading import Event, Thread

from attrs import define, field

EACH = 0.2
"""Seconds between looks for new processes."""


@define
class Exits:
    """
    Notes for each machine's uuid the ``time.perf_counter`` at which its QEMU's process ended.

    A zombie has ended; nobody has to have reaped it.
    """

    over: dict[str, float]
    _stopped: Event = field(factory=Event)
    _known: dict[int, str] = field(factory=dict)
    _thread: Thread | None = None

    def start(self) -> None:
        """Watch, in a thread."""
        self._thread = Thread(target=self._run, name="exits", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        watched: dict[int, str] = {}
        poll = select.poll()
        while not self._stopped.is_set():
            for pid, uuid in _machines():
                if self._known.get(pid) != uuid:
                    self._known[pid] = uuid
                    descriptor = os.pidfd_open(pid)
                    watched[descriptor] = uuid
                    poll.register(descriptor, select.POLLIN)
            for descriptor, _ in poll.poll(EACH * 1000):
                self.over[watched.pop(descriptor)] = time.perf_counter()
                poll.unregister(descriptor)
                os.close(descriptor)


def _machines() -> list[tuple[int, str]]:
    """Process numbers and uuids of all machines that run here."""
    found: list[tuple[int, str]] = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            words = (directory / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:
            continue  # it ended meanwhile
        if "qemu" in words[0] and "-uuid" in words[:-1]:
            found.append((int(directory.name), words[words.index("-uuid") + 1]))
    return found
