"""
The first process of the namespaces that a system test runs in: ``python -m tests.system.nest``.

It makes them habitable, runs the command given, and reaps orphans at once: libvirt waits until
the process of an ended guest is gone.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path


def main(command: list[str]) -> int:
    """Run a command; its exit status."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if os.geteuid() == 0:
        _show_own_devices()
        _own_sockets()
        _open_kvm()
    child = subprocess.Popen(command)
    while True:
        pid, status = os.wait()
        if pid == child.pid:
            return os.waitstatus_to_exitcode(status) & 0xFF


def _show_own_devices() -> None:
    """A fresh /sys, which lists the network devices of this namespace, with its cgroups kept."""
    kept = tempfile.mkdtemp(prefix="vccg", dir="/tmp")
    _mount("--make-rprivate", "/")
    _mount("--rbind", "/sys/fs/cgroup", kept)
    _mount("-t", "sysfs", "sysfs", "/sys")
    _mount("--rbind", kept, "/sys/fs/cgroup")
    subprocess.run(["umount", "-l", kept], check=True)
    os.rmdir(kept)


def _own_sockets() -> None:
    """An empty /run: a libvirtd of the test's own does not meet that of the machine."""
    _mount("-t", "tmpfs", "tmpfs", "/run")


def _open_kvm() -> None:
    """
    A /dev/kvm that the account of libvirt's QEMU can open, as udev gives it to every machine.

    Without, libvirtd asks QEMU anew what it can do before each guest, which takes seconds.
    """
    device = Path("/dev/kvm")
    if device.exists():
        own = Path("/run/kvm")
        os.mknod(own, 0o666 | stat.S_IFCHR, device.stat().st_rdev)
        own.chmod(0o666)
        _mount("--bind", str(own), str(device))


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
