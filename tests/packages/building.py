"""Building RPMs of this checkout, once for all tests of a run."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 600.0


@functools.cache
def workshop() -> Path:
    """A directory for everything that is built; it goes with the process."""
    place = tempfile.TemporaryDirectory(prefix="vcycle-rpm")
    _KEPT.append(place)
    return Path(place.name)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []


@functools.cache
def built(private: bool, number: int = 1) -> Path:
    """The directory that rpmbuild filled, for one of the two kinds and a release."""
    top = workshop() / f"{'private' if private else 'shared'}-{number}"
    command = [str(ROOT / "packaging/rpm/build.sh"), *(["--private"] * private), str(top)]
    environment = {**os.environ, "PYTHON": sys.executable, "BUILD_NUMBER": str(number)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return top


def packages(top: Path) -> dict[str, Path]:
    """Binary packages by name."""
    found = {}
    for path in top.glob("RPMS/*/*.rpm"):
        found[asked("--qf", "%{NAME}", path)] = path
    return found


def asked(option: str, form: str, path: Path) -> str:
    """What rpm tells of a package file."""
    return told("rpm", "-qp", option, form, str(path))


def listed(path: Path) -> list[str]:
    """The files of a package."""
    return told("rpm", "-qpl", str(path)).splitlines()


def told(*command: str) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
