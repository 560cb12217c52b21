"""The factory's own host: its load, its processors, its room on disk, and who it is."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
from pathlib import Path

from vcycle.core.observation import Host


def look(state_dir: str) -> Host:
    """The host now; blocking."""
    try:
        disk_free: int | None = shutil.disk_usage(state_dir).free
    except OSError:
        disk_free = None
    return Host(processors=os.cpu_count() or 1, load=max(os.getloadavg()), disk_free=disk_free)


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
