"""What a demonstration leaves on the machine, and how all of it is removed again."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from pathlib import Path

from attrs import frozen

from demo import libvirtd
from demo.processes import Process, end, of_command_line, process

PREFIX = "vc"
MARKER = "demonstration.json"


@frozen(kw_only=True)
class Marker:
    """
    Written into a demonstration's directory, so that a later one can clean up after it.

    ``networks`` are those that the system's libvirtd had before.
    """

    by: Process
    daemon: Process | None = None
    system: bool = False
    kept: bool = False
    factory: str = ""
    networks: tuple[str, ...] = ()

    def write(self, place: Path) -> None:
        """Replace the marker of a directory."""
        text = {
            "by": [self.by.pid, self.by.began],
            "daemon": [self.daemon.pid, self.daemon.began] if self.daemon else None,
            "system": self.system,
            "kept": self.kept,
            "factory": self.factory,
            "networks": self.networks,
        }
        new = place / (MARKER + ".new")
        new.write_text(json.dumps(text), "utf-8")
        new.replace(place / MARKER)


def read(place: Path) -> Marker | None:
    """The marker of a directory, or None if this is no demonstration's."""
    try:
        text = json.loads((place / MARKER).read_text("utf-8"))
        return Marker(
            by=Process(*text["by"]),
            daemon=Process(*text["daemon"]) if text["daemon"] else None,
            system=bool(text["system"]),
            kept=bool(text["kept"]),
            factory=str(text["factory"]),
            networks=tuple(map(str, text["networks"])),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def new_place() -> Path:
    """
    A directory of our own. libvirt's embedded driver bears only a short path, and the factory
    that is named after it no other signs than these.
    """
    while True:
        place = Path("/tmp") / (PREFIX + secrets.token_hex(3))
        try:
            place.mkdir(mode=0o700)
        except FileExistsError:
            continue
        return place


def myself() -> Process:
    """This process."""
    found = process(os.getpid())
    if found is None:
        raise OSError("/proc is not mounted, or shows another namespace's processes")
    return found


def abandoned(kept: bool) -> list[Path]:
    """
    Directories of demonstrations of this user that ended without cleaning up: those that
    were killed and, with ``kept``, those that were told to leave their machines as well.
    """
    found = []
    for place in Path("/tmp").glob(PREFIX + "*"):
        marker = read(place) if place.is_dir() and not place.is_symlink() else None
        if marker is None or place.stat().st_uid != os.geteuid() or marker.by.alive:
            continue
        if kept or not marker.kept:
            found.append(place)
    return found


def remove(place: Path) -> int:
    """End the daemon and destroy the machines of a directory, remove it; how many machines."""
    marker = read(place)
    if marker is not None and marker.daemon is not None:
        end([marker.daemon], patience=12.0)
    machines = 0
    if marker is not None and marker.system:
        machines = libvirtd.remove(marker.factory, marker.networks)
    machines += end(of_command_line(f"{place}/", "qemu"), patience=2.0)
    shutil.rmtree(place, ignore_errors=True)
    return machines
