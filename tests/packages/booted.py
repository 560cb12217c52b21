"""A real systemd, booted on an overlay of this machine, with our packages to be installed."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

from tests.packages.building import built, packages, workshop

SECONDS = 300.0
INSIDE = Path(__file__).with_name("inside.sh")
OUTSIDE = Path(__file__).with_name("outside.sh")


@functools.cache
def results() -> Path:
    """The directory with what every step showed; the boot happens once."""
    place = workshop() / "boot"
    for number in (1, 2):
        (place / "rpms" / str(number)).mkdir(parents=True)
        for path in packages(built(private=True, number=number)).values():
            shutil.copy(path, place / "rpms" / str(number))
    out = place / "out"
    out.mkdir()
    (out / "began").touch()
    if os.geteuid() != 0:
        raise AssertionError("to boot a systemd the tests have to run as root")
    done = subprocess.run(
        ["unshare", "--mount", "--net", "sh", str(OUTSIDE), str(place), str(INSIDE)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    if not (out / "done").exists():
        log = (out / "log").read_text("utf-8", "replace") if (out / "log").exists() else ""
        raise AssertionError(
            f"it did not come to the end:\n{done.stdout}{done.stderr}{log[-5000:]}"
        )
    return out


def shown(name: str) -> str:
    """What a step showed."""
    return (results() / name).read_text("utf-8", "replace")
