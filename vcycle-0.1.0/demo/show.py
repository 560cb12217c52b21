"""``./demo/run``: a factory of tiny guests on this machine, shown live."""

from __future__ import annotations

import argparse
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from attrs import define, evolve, field

from demo import leavings, libvirtd, summary
from demo.accelerator import accelerator
from demo.consoles import Consoles
from demo.factory import STORY, Stage, remember_qemu, stage_at, write
from demo.guest.build import Guest, default_directory, ready_guest
from demo.guest.errors import GuestError
from demo.processes import adopt_orphans, process, reap

SUMMARY_SECONDS = 10.0
# The daemon promises to end within ten seconds of being told.
END_SECONDS = 12.0


def say(text: str) -> None:
    """A line of the demonstration's own, told apart from the daemon's."""
    print(f"demo: {text}", flush=True)


@define
class Show:
    """One demonstration, from the daemon's start to its end."""

    stage: Stage
    marker: leavings.Marker
    seconds: float | None
    stopped: bool = False
    _working: bool = False
    _daemon: subprocess.Popen[bytes] = field(init=False)

    def stop(self, *_: object) -> None:
        """End soon; also the handler of signals."""
        self.stopped = True

    def run(self) -> int:
        """Run until told to stop, or the time is over; the exit status."""
        adopt_orphans()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.stop)
        self._start()
        began = time.monotonic()
        next_summary = began + SUMMARY_SECONDS
        consoles = Consoles(self.stage.place / "state")
        while not self.stopped and self._daemon.poll() is None:
            now = time.monotonic()
            if self.seconds is not None and now - began >= self.seconds:
                say(f"{self.seconds:.0f} seconds are over.")
                break
            if now >= next_summary:
                next_summary = now + SUMMARY_SECONDS
                self._summarize()
            self._show(0.5)
            for machine, line in consoles.said():
                self._listen(machine, line, time.monotonic() - began)
            reap(but=self._daemon.pid)
        return self._end()

    def _start(self) -> None:
        command = [str(Path(sys.executable).with_name("vcycled"))]
        self._daemon = subprocess.Popen(
            [*command, "--config", str(self.stage.configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Control-C is for us alone: the daemon is told to end after it.
            start_new_session=True,
            env={
                **os.environ,
                "PYTHONUNBUFFERED": "1",
                "VCYCLE_LOG": "output",
                "LIBVIRT_LOG_OUTPUTS": f"3:file:{self.stage.place}/libvirt.log",
            },
        )
        evolve(self.marker, daemon=process(self._daemon.pid)).write(self.stage.place)

    def _show(self, seconds: float) -> bool:
        """Pass on what the daemon says within ``seconds``; False after its last word."""
        output = self._daemon.stdout
        if output is None or not select.select([output], [], [], seconds)[0]:
            return True
        text = os.read(output.fileno(), 65536)
        sys.stdout.write(text.decode("utf-8", "replace"))
        sys.stdout.flush()
        return bool(text)

    def _listen(self, machine: str, line: str, seconds: float) -> None:
        """Pass on what a guest says on its console."""
        print(f"  {machine} | {line}", flush=True)
        if not self._working:
            self._working = True
            say(f"The first guest works, {seconds:.1f} seconds after the daemon was started.")

    def _summarize(self) -> None:
        told = summary.status(self.stage.place / "state")
        if told is not None:
            for line in summary.lines(told, time.time()):
                print(line, flush=True)

    def _end(self) -> int:
        unexpected = self._daemon.poll()
        if unexpected is None:
            say("Ending the daemon; it leaves its machines running.")
            self._daemon.terminate()
        until = time.monotonic() + END_SECONDS
        while time.monotonic() < until and self._show(0.5):
            pass
        if unexpected is not None:
            say(f"vcycled ended by itself with status {unexpected}.")
            return 1
        try:
            self._daemon.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            say("vcycled did not end in time, and is killed.")
            self._daemon.kill()
            self._daemon.wait()
            return 1
        return 0 if self._daemon.returncode in (0, -signal.SIGTERM) else 1


def within_reach(guest: Guest, place: Path) -> Guest:
    """A copy of the guest that the system's QEMU, which has an account of its own, can read."""
    place.chmod(0o711)
    kernel = shutil.copy(guest.kernel, place)
    initrd = shutil.copy(guest.initrd, place)
    return Guest(kernel=Path(kernel), initrd=Path(initrd), iso=None, arguments=guest.arguments)


def clean(kept: bool) -> None:
    """Remove what earlier demonstrations left."""
    for place in leavings.abandoned(kept):
        machines = leavings.remove(place)
        say(f"Removed an earlier demonstration: {place}, {machines} machine(s).")


def perform(arguments: argparse.Namespace) -> int:
    """Prepare, show, and clean up."""
    guest = ready_guest(arguments.guest, say=say)
    networks = libvirtd.networks() if arguments.system else ()
    place = leavings.new_place()
    stage = stage_at(place, arguments.system)
    marker = leavings.Marker(
        by=leavings.myself(), system=stage.system, factory=stage.factory, networks=networks
    )
    marker.write(place)
    status = 1
    try:
        if arguments.system:
            guest = within_reach(guest, place)
        else:
            remember_qemu(stage, default_directory().with_name("libvirt"))
        write(stage, guest)
        say(f"Guests run on {stage.uri} with {accelerator()}.")
        say(f"Factory {stage.factory} has three kinds of machines:\n{STORY}")
        say("Control-C ends it." if arguments.seconds is None else "It ends by itself.")
        status = Show(stage, marker, arguments.seconds).run()
    finally:
        tidy(place, arguments.keep)
    return status


def tidy(place: Path, keep: bool) -> None:
    """Destroy the machines and remove the directory, or say what is kept."""
    # A second Control-C must not leave half of it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    marker = leavings.read(place)
    if keep and marker is not None:
        evolve(marker, kept=True).write(place)
        say(f"Machines go on. The configuration is {place}/vcycle.conf.")
        say("./demo/run --clean destroys them.")
        return
    machines = leavings.remove(place)
    say(f"Destroyed {machines} machine(s) and removed {place}: nothing is left.")


def main(words: Sequence[str] | None = None) -> int:
    """The command line; the exit status."""
    parser = argparse.ArgumentParser(prog="demo/run", description="Show Vcycle at work.")
    parser.add_argument("--seconds", type=float, help="end by itself after so many seconds")
    parser.add_argument("--keep", action="store_true", help="leave machines and files at the end")
    parser.add_argument("--clean", action="store_true", help="only remove what was left, and kept")
    parser.add_argument(
        "--system", action="store_true", help="use the system's libvirtd, which has to run"
    )
    parser.add_argument("--guest", type=Path, help="where the guest is kept (~/.cache/vcycle)")
    arguments = parser.parse_args(words)
    clean(kept=arguments.clean)
    if arguments.clean:
        return 0
    try:
        return perform(arguments)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except GuestError as error:
        print(f"The guest was not built: {error}", file=sys.stderr)
        return 1
    except libvirtd.NoLibvirtd as error:
        print(f"No libvirtd: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
