"""The factory's own host: its load, its processors, its room on disk, and who it is."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
from pathlib import Path

from vcycle.core.observation import Host
from vcycle.core.vacquery.facts import FactoryFacts

MAX_FILE = 16_384


def look(state_dir: str) -> Host:
    """The host now; blocking."""
    try:
        disk_free: int | None = shutil.disk_usage(state_dir).free
    except OSError:
        disk_free = None
    return Host(processors=os.cpu_count() or 1, load=max(os.getloadavg()), disk_free=disk_free)


def facts(state_dir: str, space: str, now: float, serving: bool) -> FactoryFacts:
    """
    What other factories are told of the host at ``now``; blocking. What is not known is 0.

    The web server has no heartbeat file: while it is ``serving`` its heart beats.
    """
    root, own = _room("/tmp"), _room(state_dir)  # noqa: S108 - as the family does; nothing is written
    memory = _memory()
    total, swap = memory.get("MemTotal", 0), memory.get("SwapTotal", 0)
    return FactoryFacts(
        processors=os.cpu_count() or 1,
        root_disk_avail_kb=root[0],
        root_disk_avail_inodes=root[1],
        daemon_disk_avail_kb=own[0],
        daemon_disk_avail_inodes=own[1],
        load_average=os.getloadavg()[2],
        kernel_version=os.uname().release,
        os_issue=_system() or os.uname().release,
        boot_time=_boot_time(now),
        factory_heartbeat_time=_beat(state_dir, space, "factory"),
        responder_heartbeat_time=_beat(state_dir, space, "responder"),
        mjf_heartbeat_time=int(now) if serving else 0,
        metadata_heartbeat_time=int(now) if serving else 0,
        swap_used_kb=max(0, swap - memory.get("SwapFree", 0)),
        swap_free_kb=memory.get("SwapFree", 0),
        mem_used_kb=max(0, total - memory.get("MemFree", 0)),
        mem_total_kb=total,
    )


def _room(path: str) -> tuple[int, int]:
    """KiB and inodes that a file system has for others than root."""
    try:
        found = os.statvfs(path)
    except OSError:
        return 0, 0
    return found.f_bavail * found.f_frsize // 1024, found.f_favail


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(MAX_FILE).splitlines()
    except OSError:
        return []


def _memory() -> dict[str, int]:
    found = {}
    for line in _lines("/proc/meminfo"):
        key, _, value = line.partition(":")
        amount = value.split()
        if amount and amount[0].isdecimal():
            found[key] = int(amount[0])
    return found


def _system() -> str:
    """The distribution's name for itself."""
    for line in _lines("/etc/os-release"):
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return value.strip("\"' ")
    return next(iter(_lines("/etc/redhat-release")), "")


def _boot_time(now: float) -> int:
    try:
        return int(now - float(_lines("/proc/uptime")[0].split()[0]))
    except (IndexError, ValueError):
        return 0


def _beat(state_dir: str, space: str, kind: str) -> int:
    lines = _lines(os.path.join(state_dir, "spaces", space, f"{kind}-heartbeat"))
    return int(lines[0]) if lines and lines[0].isdecimal() else 0


def owner(state_dir: str) -> str:
    """
    Who owns the machines that a state directory knows of: this host and that directory.

    It survives the loss of the directory's content, so that machines can be adopted again.
    """
    try:
        machine = Path("/etc/machine-id").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = ""
    text = f"{machine or socket.gethostname()}\n{os.path.realpath(state_dir)}"
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
