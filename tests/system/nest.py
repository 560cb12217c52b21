"""
The first process of the namespaces that a system test runs in: ``python -m tests.system.nest``.

It makes them habitable, runs the command given, and reaps orphans at once: libvirt waits until
the process of an ended guest is gone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile


def main(command: list[str]) -> int:
    """Run a command; its exit status."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if os.geteuid() == 0:
        _show_own_devices()
    child = subprocess.Popen(command)
    while True:
        pid, status = os.wait()
        if pid == child.pid:
            return os.waitstatus_to_exitcode(status) & 0xFF


def _show_own_devices() -> None:
    """A fresh /sys, which lists the network devices of this namespace, with its cgroups kept."""
    kept = tempfile.mkdtemp(prefix="vccg", dir="/tmp")
    for words in (
        ["--make-rprivate", "/"],
        ["--rbind", "/sys/fs/cgroup", kept],
        ["-t", "sysfs", "sysfs", "/sys"],
        ["--rbind", kept, "/sys/fs/cgroup"],
    ):
        subprocess.run(["mount", *words], check=True)
    subprocess.run(["umount", "-l", kept], check=True)
    os.rmdir(kept)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
