"""Processes of guests that outlived the daemon that started them."""

from __future__ import annotations

from pathlib import Path

from vcycle.providers.libvirt.embed import root_of

MAX_PIDS = 10_000
SESSION_DAEMON = "libvirt/libvirtd.pid"


def survivors(uri: str, runtime_directory: str | None) -> tuple[int, ...]:
    """
    Processes that live in the network namespace of earlier guests of an unprivileged URI:
    QEMUs below the root of an embedded driver, or a session's own libvirt daemon.

    Blocking, and quick; what is not there is no error.
    """
    root = root_of(uri)
    if root is not None:
        return _living(sorted(Path(root, "run", "qemu").glob("*.pid"))[:MAX_PIDS], "qemu")
    if runtime_directory is not None:
        return _living([Path(runtime_directory, SESSION_DAEMON)], "libvirtd")
    return ()


def _living(files: list[Path], program: str) -> tuple[int, ...]:
    """The pids in these files that are still those of such a program."""
    found = []
    for file in files:
        try:
            pid = int(file.read_text("ascii").strip())
            comm = Path("/proc", str(pid), "comm").read_text("utf-8", "replace")
        except (OSError, ValueError):
            continue
        if pid > 1 and comm.startswith(program):
            found.append(pid)
    return tuple(found)
