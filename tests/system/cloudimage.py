"""
An ordinary cloud image, built from Debian's packages and kept: one raw disk that boots by itself.

By ``python -m tests.system.cloudimage`` it is built where there is a network, before the
namespaces that guests live in are entered.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

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
    'printf "/dev/vda1 / ext4 rw,noatime 0 1\\n" > "$1/etc/fstab"',
    'chroot "$1" systemctl enable systemd-networkd serial-getty@ttyS0',
    'chroot "$1" systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer',
)
ARGUMENTS = (
    "root=/dev/vda1 ro console=ttyS0 tsc=reliable no_timer_check mitigations=off nokaslr "
    "8250.nr_uarts=1 cryptomgr.notests audit=0"
)
GRUB = Path("/usr/lib/grub/i386-pc")
# What GRUB needs to read its own settings, and these to read a kernel: nothing is loaded later.
MODULES = ("biosdisk", "part_msdos", "ext2", "configfile", "normal", "linux", "boot")
MENU = "/boot/grub/grub.cfg"
MENU_TEXT = f"linux /vmlinuz {ARGUMENTS}\ninitrd /initrd.img\nboot\n"
MIB = 1 << 20
SECTOR = 512
DISK = 2048 * MIB
# Where the only partition begins; before it is room for the boot loader.
FIRST = 1 * MIB
NAME = "disk.raw"


def cloud_image() -> Path:
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
    return kept / NAME


def tell_kernel(image: Path, words: str) -> None:
    """Have the kernel of a copy of the image told some more words."""
    with tempfile.TemporaryDirectory() as name:
        menu = Path(name) / "grub.cfg"
        menu.write_text(MENU_TEXT.replace(ARGUMENTS, f"{ARGUMENTS} {words}"), "utf-8")
        for command in (f"rm {MENU}", f"write {menu} {MENU}"):
            _run("debugfs", "-w", "-R", command, f"{image}?offset={FIRST}")


def _recipe() -> str:
    """Names what is built from all that it is built of."""
    parts = (SUITE, PACKAGES, LEFT_OUT, SETTINGS, MODULES, MENU_TEXT, DISK, FIRST)
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
        menu = root / MENU[1:]
        menu.parent.mkdir()
        menu.write_text(MENU_TEXT, "utf-8")
        image = made / NAME
        _run("truncate", "-s", str(DISK), str(image))
        options = ("-t", "ext4", "-F", "-L", "root", "-E", f"lazy_itable_init=1,offset={FIRST}")
        size = f"{(DISK - FIRST) // 1024}K"
        _run("mke2fs", "-q", *options, "-d", str(root), str(image), size)
        _make_bootable(image, Path(name) / "core.img")
        for former in place.glob("[0-9a-f]" * 16):
            shutil.rmtree(former)
        made.rename(kept)


def _make_bootable(image: Path, core: Path) -> None:
    """A table of one partition, and GRUB where its own boot sector looks for it: right behind."""
    settings = ("-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub")
    _run("grub-mkimage", *settings, "-o", str(core), *MODULES)
    loader = core.read_bytes()
    assert SECTOR + len(loader) <= FIRST, "the partition begins behind the boot loader"
    partition = struct.pack(
        *("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x83, b"\xfe\xff\xff"),
        *(FIRST // SECTOR, (DISK - FIRST) // SECTOR),
    )
    with image.open("r+b") as disk:
        disk.write((GRUB / "boot.img").read_bytes()[:440])
        disk.write(bytes(6) + partition + bytes(48) + b"\x55\xaa")
        disk.write(loader)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]} failed: {done.stderr[-2000:]}"


if __name__ == "__main__":
    print(cloud_image())
