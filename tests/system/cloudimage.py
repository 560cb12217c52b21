"""
An ordinary cloud image, built from Debian's packages and kept.

By ``python -m tests.system.cloudimage`` it is built where there is a network, before the
namespaces that guests live in are entered.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from attrs import frozen

SUITE = "bookworm"
PACKAGES = (
    *("linux-image-cloud-amd64", "systemd-sysv", "udev", "dbus", "iproute2", "netbase"),
    *("cloud-init", "netplan.io", "isc-dhcp-client", "curl", "ca-certificates"),
)
# What nobody reads in a guest that lives for a minute.
LEFT_OUT = ("man", "doc", "locale", "info")
# cloud-init's own list of sources stays as Debian made it: what is proved is that an image finds
# us that knows nothing of us.
SETTINGS = (
    'echo debian > "$1/etc/hostname"',
    'printf "/dev/vda / ext4 rw,noatime 0 1\\n" > "$1/etc/fstab"',
    'chroot "$1" systemctl enable systemd-networkd serial-getty@ttyS0',
    'chroot "$1" systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer',
)
SIZE = "2G"
ARGUMENTS = (
    "root=/dev/vda ro console=ttyS0 tsc=reliable no_timer_check mitigations=off nokaslr "
    "8250.nr_uarts=1 cryptomgr.notests audit=0"
)
PARTS = ("vmlinuz", "initrd.img", "root.raw")


@frozen(kw_only=True)
class CloudImage:
    """A kernel with its initramfs, and a raw disk with one file system on all of it."""

    kernel: Path
    initrd: Path
    image: Path
    arguments: str = ARGUMENTS


def cloud_image() -> CloudImage:
    """
    The image, built first if it is not there; ``VCYCLE_CLOUD_IMAGE`` names another place for it.

    :raises AssertionError: it cannot be built here; the text says why.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    place = Path(os.environ.get("VCYCLE_CLOUD_IMAGE") or f"{cache}/vcycle/cloud-image")
    kept = place / _recipe()
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        # Two builders at once would tread on each other.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_dir():
            _build(place, kept)
    kernel, initrd, image = (kept / part for part in PARTS)
    return CloudImage(kernel=kernel, initrd=initrd, image=image)


def _recipe() -> str:
    """Names what is built from all that it is built of."""
    parts = (SUITE, PACKAGES, LEFT_OUT, SETTINGS, SIZE)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _build(place: Path, kept: Path) -> None:
    with tempfile.TemporaryDirectory(dir=place, prefix="unfinished-") as name:
        root, made = Path(name) / "root", Path(name) / "made"
        made.mkdir()
        # Where packages come from is what this machine's own apt says.
        sources = sorted(map(str, Path("/etc/apt/sources.list.d").glob("debian*.sources")))
        if Path("/etc/apt/sources.list").is_file():
            sources.append("/etc/apt/sources.list")
        _run(
            *("mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", "--format=directory"),
            '--aptopt=Apt::Install-Recommends "false"',
            *(f"--dpkgopt=path-exclude=/usr/share/{one}/*" for one in LEFT_OUT),
            *(f"--customize-hook={setting}" for setting in SETTINGS),
            *(f"--include={','.join(PACKAGES)}", SUITE, str(root), *sources),
        )
        for part in PARTS[:2]:
            [found] = (root / "boot").glob(f"{part}-*" if part == "vmlinuz" else "initrd.img-*")
            shutil.copyfile(found, made / part)
        image = made / PARTS[2]
        _run("truncate", "-s", SIZE, str(image))
        options = ("-t", "ext4", "-F", "-L", "root", "-E", "lazy_itable_init=1")
        _run("mke2fs", "-q", *options, "-d", str(root), str(image))
        for former in place.glob("[0-9a-f]" * 16):
            shutil.rmtree(former)
        made.rename(kept)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]} failed: {done.stderr[-2000:]}"


if __name__ == "__main__":
    print(cloud_image().image)
