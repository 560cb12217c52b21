"""
The system's libvirtd, in the namespaces of a system test, with directories of its own.

It is found at ``qemu:///system`` by those that are in the same namespaces, and by nobody else.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import libvirt

from tests.system.waiting import until

SOCKET = Path("/run/libvirt/libvirt-sock")
STARTS = 60.0
# What is kept by libvirt, and by nobody in this namespace before. What it found out of QEMU,
# which takes it seconds, may be the host's own.
_FRESH = ("/run", "/var/lib/libvirt", "/var/log/libvirt")


class Libvirtd:
    """``libvirtd`` and its ``virtlogd``; one for a process of tests."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="vclv", dir="/tmp"))
        self.log = self._directory / "libvirtd.log"
        self._libvirtd: subprocess.Popen[bytes] | None = None
        self._virtlogd: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Give libvirt directories of its own, and start its log daemon."""
        first = Path("/proc/1/cmdline").read_bytes()
        if os.geteuid() != 0 or b"tests.system.nest" not in first:
            raise AssertionError("a libvirtd of its own needs root, and: tests/run system")
        for directory in _FRESH:
            Path(directory).mkdir(parents=True, exist_ok=True)
            _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", directory)
        etc = self._directory / "etc"
        shutil.copytree("/etc/libvirt", etc)
        _run("mount", "--bind", str(etc), "/etc/libvirt")
        for definition in etc.glob("qemu/**/*.xml"):
            definition.unlink()
        self._virtlogd = self._spawn("virtlogd")

    def start(self) -> None:
        """Start it; there when it answers."""
        self._libvirtd = self._spawn("libvirtd")
        until("libvirtd answers", self._answers, STARTS, self.told)

    def kill(self) -> None:
        """SIGKILL."""
        self.send(signal.SIGKILL)
        assert self._libvirtd is not None
        self._libvirtd.wait(10.0)

    def send(self, number: signal.Signals) -> None:
        """SIGSTOP and SIGCONT, for one."""
        assert self._libvirtd is not None, "it was never started"
        self._libvirtd.send_signal(number)

    def end(self) -> None:
        """End both daemons, and remove what they left."""
        for process in (self._libvirtd, self._virtlogd):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait(10.0)
        subprocess.run(["umount", "-q", "/etc/libvirt"], check=False)
        shutil.rmtree(self._directory, ignore_errors=True)

    def connect(self) -> libvirt.virConnect:
        """A connection of the test's own, to be closed by it."""
        return libvirt.open("qemu:///system")

    def told(self) -> str:
        """The end of its log."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return "\n".join([f"--- {self.log} ---", *lines[-30:]])

    def _spawn(self, name: str) -> subprocess.Popen[bytes]:
        program = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
        if program is None:
            raise AssertionError(f"no {name} here; tests/run installs it")
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [program], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _answers(self) -> bool:
        assert self._libvirtd is not None
        status = self._libvirtd.poll()
        if status is not None:
            raise AssertionError(f"libvirtd ended with {status}\n{self.told()}")
        if not SOCKET.exists():
            return False
        try:
            self.connect().close()
        except libvirt.libvirtError:
            return False
        return True


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.stderr.strip()}")
