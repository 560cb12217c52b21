"""What systemd is told of the daemon: that it is up, that it reloads, that it still turns."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Callable

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

MICROSECONDS = 1_000_000
MAX_STATUS = 500


class Notifier:
    """
    Sends lines to the socket that systemd named in the environment, as sd_notify(3) does.

    Where there is none, or it is gone, nothing happens: nobody listens.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._path = environment.get("NOTIFY_SOCKET", "")
        self.watchdog = _watchdog(environment)

    def tell(self, *lines: str) -> None:
        """Send lines such as READY=1."""
        if not self._path:
            return
        # A name that begins with @ stands for one in the abstract namespace.
        path = "\0" + self._path[1:] if self._path.startswith("@") else self._path
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.setblocking(False)
                out.sendto("\n".join(lines).encode("utf-8", "replace"), path)
        except OSError:
            return


def _watchdog(environment: Mapping[str, str]) -> float | None:
    """Seconds after which systemd takes us for dead if it hears nothing; None if it does not."""
    pid, microseconds = environment.get("WATCHDOG_PID"), environment.get("WATCHDOG_USEC", "")
    if pid not in (None, "", str(os.getpid())) or not microseconds.isdigit():
        return None
    return int(microseconds) / MICROSECONDS or None


class Readiness(Service):
    """
    Says READY once the reactor runs, and from then on feeds the watchdog, as long as ``turns``
    says that cycles come to their ends: a reactor that turns alone proves nothing.

    ``monotonic`` gives seconds of CLOCK_MONOTONIC; ``when_running`` is the reactor's.
    """

    def __init__(
        self,
        clock: IReactorTime,
        notifier: Notifier,
        turns: Callable[[], bool],
        monotonic: Callable[[], float],
        when_running: Callable[[Callable[[], object]], object],
    ) -> None:
        self._notifier = notifier
        self._turns = turns
        self._monotonic = monotonic
        self._when_running = when_running
        self._feeding = LoopingCall(self._feed)
        self._feeding.clock = clock
        self._status = ""

    def startService(self) -> None:
        super().startService()
        self._when_running(self._up)

    def stopService(self) -> None:
        super().stopService()
        if self._feeding.running:
            self._feeding.stop()
        self._notifier.tell("STOPPING=1")

    def status(self, text: str) -> None:
        """One line for ``systemctl status``."""
        line = "".join(letter if letter.isprintable() else "?" for letter in text)[:MAX_STATUS]
        if line != self._status:
            self._status = line
            self._notifier.tell(f"STATUS={line}")

    def reloading(self) -> None:
        """The configuration is being read again; ``reloaded`` has to follow."""
        moment = int(self._monotonic() * MICROSECONDS)
        self._notifier.tell("RELOADING=1", f"MONOTONIC_USEC={moment}")

    def reloaded(self) -> None:
        """That is done, whatever came of it: the daemon is up."""
        self._notifier.tell("READY=1")

    def _up(self) -> None:
        if not self.running:
            return
        self._notifier.tell("READY=1")
        if self._notifier.watchdog is not None:
            # Twice as often as needed, so that one late turn is no death.
            self._feeding.start(self._notifier.watchdog / 2)

    def _feed(self) -> None:
        if self._turns():
            self._notifier.tell("WATCHDOG=1")
