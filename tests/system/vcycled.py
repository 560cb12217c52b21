"""The daemon as a process of its own, with all that it leaves for us to see."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.system.waiting import until
from vcycle.commands.asking import NoAnswer, ask
from vcycle.core.machine import Record
from vcycle.core.recordtext import decode
from vcycle.monitor.place import socket_path

ROOT = Path(__file__).resolve().parents[2]
# The most that the daemon may take to end.
ENDS = 10.0


class Vcycled:
    """
    ``vcycled`` on a place's configuration; to be started again and again.

    ``under`` is the command that it runs under, if any.
    """

    def __init__(self, place: Path, under: tuple[str, ...] = ()) -> None:
        self.place = place
        self._under = under
        self.state = place / "state"
        self.log = place / "vcycled.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and go on at once."""
        assert not self.running, "it runs already"
        with self.log.open("ab") as log:
            self._process = self.another(log.fileno())

    def another(self, output: int) -> subprocess.Popen[bytes]:
        """A process of the daemon on this place, that the caller has to care for."""
        libvirt = {
            "LIBVIRT_LOG_OUTPUTS": f"3:file:{self.place}/libvirt.log",
            "VCYCLE_LOG": "output",
        }
        return subprocess.Popen(
            [*self._under, sys.executable, "-m", "vcycle.daemon.foreground"]
            + ["--config", str(self.place / "vcycle.conf")],
            cwd=ROOT,
            env={**os.environ, **libvirt},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None, "it was never started"
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """The end that nobody is asked about."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(ENDS)

    def stop(self) -> float:
        """SIGTERM; how many seconds it took to end. It fails over ENDS."""
        assert self._process is not None, "it was never started"
        began = time.monotonic()
        self._process.terminate()
        try:
            status = self._process.wait(ENDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"SIGTERM did not end it within {ENDS:.0f} s\n{self.told()}"
            ) from None
        assert status in (0, -signal.SIGTERM), f"it ended with {status}\n{self.told()}"
        return time.monotonic() - began

    def status(self) -> Mapping[str, Any] | None:
        """What it says of itself; None if it says nothing yet."""
        try:
            return ask(socket_path(str(self.state)), "/v1/status", 5.0)
        except NoAnswer:
            return None

    def space(self, name: str) -> Mapping[str, Any]:
        """One space of its status; {} if there is none yet."""
        spaces = (self.status() or {}).get("spaces", [])
        return next((space for space in spaces if space["space"] == name), {})

    def verdict(self, space: str, machinetype: str) -> tuple[str, str]:
        """A word and a text on a machinetype; ("", "") if there is none yet."""
        for one in self.space(space).get("machinetypes", []):
            if one["machinetype"] == machinetype:
                return one["verdict"], one["reason"]
        return "", ""

    def records(self, space: str = "*") -> list[Record]:
        """All records on disk, in the order in which their machines were asked for."""
        found = []
        for path in self.state.glob(f"spaces/{space}/machines/*/record.json"):
            try:
                found.append(decode(path.read_text("ascii")))
            except FileNotFoundError:
                continue
        return sorted(found, key=lambda record: (record.requested_at, record.name))

    def living(self, space: str = "*") -> list[Record]:
        """The records of machines that are not over."""
        return [record for record in self.records(space) if record.ended_at is None]

    def ended(self, machinetype: str) -> list[Record]:
        """The records of machines of a kind that are over."""
        all_of = (r for r in self.records() if r.machinetype == machinetype)
        return [record for record in all_of if record.ended_at is not None]

    def directory(self, record: Record) -> Path:
        return self.state / "spaces" / record.space / "machines" / record.directory

    def output(self, record: Record, name: str) -> str | None:
        """A job output of a machine; None if there is none."""
        try:
            return (self.directory(record) / "joboutputs" / name).read_text("utf-8", "replace")
        except FileNotFoundError:
            return None

    def beaten(self, record: Record, name: str = "heartbeat") -> float:
        """When a machine last wrote a job output; 0 if never."""
        try:
            return (self.directory(record) / "joboutputs" / name).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def lines(self, text: str) -> list[str]:
        """The lines of its log that hold a text."""
        whole = self.log.read_text("utf-8", "replace") if self.log.exists() else ""
        return [line for line in whole.splitlines() if text in line]

    def told(self) -> str:
        """What an onlooker of a failure wants: the end of its log, and of guests' consoles."""
        parts = [f"--- {self.log} ---", *self.lines("")[-60:]]
        for console in sorted(self.state.glob("spaces/*/machines/*/console.log"))[-6:]:
            try:
                parts += [
                    f"--- {console} ---",
                    *console.read_text("utf-8", "replace")[-1500:].splitlines(),
                ]
            except OSError:
                continue
        return "\n".join(parts)

    def until(self, what: str, look: Any, seconds: float = 90.0, poll: float = 0.1) -> Any:
        """What ``look`` finds at last; a failure shows the daemon's log."""
        return until(what, look, seconds, self.told, poll)
