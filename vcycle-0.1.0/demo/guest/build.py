"""Builds the guest once, and finds it again."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Callable

from attrs import frozen

from demo.guest import iso as cd
from demo.guest import packages
from demo.guest.archive import Initramfs
from demo.guest.errors import GuestError
from demo.guest.kernel import image_under, starts_directly, vmlinux
from demo.guest.modules import WANTED, in_load_order, modules_under

HERE = Path(__file__).resolve().parent
# What a guest needs to be heard and to end, and what saves it time without hardware support.
ARGUMENTS = (
    "console=ttyS0 quiet panic=-1 tsc=reliable no_timer_check mitigations=off nokaslr "
    "8250.nr_uarts=1 cryptomgr.notests audit=0"
)
TOOLS = ("put", "heartbeat", "shutdown_message")


@frozen(kw_only=True)
class Guest:
    """A guest that is ready to boot: paths of its parts and the kernel's arguments."""

    kernel: Path
    initrd: Path
    iso: Path | None
    arguments: str = ARGUMENTS


def default_directory() -> Path:
    """Where a guest is kept if nothing else is said: in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(cache) / "vcycle" / "guest"


def ready_guest(
    directory: Path | None = None, iso: bool = False, say: Callable[[str], None] = lambda _: None
) -> Guest:
    """
    The guest in ``directory``, built first if it is not there or of another recipe.

    :raises GuestError: it cannot be built here.
    """
    if platform.machine() != "x86_64":
        raise GuestError(f"the guest is for x86_64 processors, this one is {platform.machine()}")
    place = directory or default_directory()
    place.mkdir(parents=True, exist_ok=True)
    with _alone(place):
        guest = _kept(place, iso)
        if guest is None:
            say("Building the guest from distribution packages (kernel, busybox)")
            _build(place, iso)
            guest = _kept(place, iso)
    if guest is None:
        raise GuestError(f"the guest in {place} vanished while it was built")
    return guest


def recipe() -> str:
    """Names what guests are built by: a digest of this package's own files."""
    digest = hashlib.sha256()
    for path in sorted([*HERE.glob("*.py"), *HERE.glob("files/*")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Two builders at once would tread on each other."""
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _kept(place: Path, iso: bool) -> Guest | None:
    try:
        manifest = json.loads((place / "guest.json").read_text("utf-8"))
        same = manifest["recipe"] == recipe()
        kernel, initrd = place / manifest["kernel"], place / manifest["initrd"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    image = place / "boot.iso"
    wanted = [kernel, initrd, image] if iso else [kernel, initrd]
    if not same or not all(path.is_file() for path in wanted):
        return None
    return Guest(kernel=kernel, initrd=initrd, iso=image if iso else None)


def _build(place: Path, iso: bool) -> None:
    (place / "guest.json").unlink(missing_ok=True)
    fetched = place / "packages"
    fetched.mkdir(exist_ok=True)
    distribution = packages.here(iso)
    with tempfile.TemporaryDirectory(dir=place, prefix="unpacked-") as name:
        root = Path(name)
        for package in distribution.fetch(fetched):
            distribution.unpack(package, root)
        _put_together(place, root, iso)


def _put_together(place: Path, root: Path, iso: bool) -> None:
    packed = image_under(root)
    image = packed.read_bytes()
    lz4 = root / "usr/bin/lz4"
    plain = vmlinux(image, str(lz4) if lz4.exists() else "lz4")
    kernel = place / "vmlinuz"
    if starts_directly(plain):
        kernel = place / "vmlinux"
    initrd = place / "initrd.gz"
    kernel.write_bytes(plain if kernel.name == "vmlinux" else image)
    initrd.write_bytes(gzip.compress(initramfs(root), mtime=0))
    (place / "boot.iso").unlink(missing_ok=True)
    if iso:
        cd.write_iso(place / "boot.iso", root, packed, initrd, ARGUMENTS)
    for path in (kernel, initrd):
        path.chmod(0o644)
    manifest = {"recipe": recipe(), "kernel": kernel.name, "initrd": initrd.name}
    (place / "guest.json").write_text(json.dumps(manifest), "utf-8")


def initramfs(root: Path) -> bytes:
    """The guest's file system, unpacked packages in ``root``, as an archive for the kernel."""
    tree = Initramfs()
    for name in ("bin", "dev", "etc", "modules", "proc", "root", "run", "sys", "tmp"):
        tree.directory(name)
    tree.device("dev/console", 5, 1)
    tree.device("dev/null", 1, 3)
    tree.file("bin/busybox", _busybox(root).read_bytes(), 0o755)
    tree.symlink("bin/sh", "busybox")
    tree.file("init", (HERE / "files/init").read_bytes(), 0o755)
    tree.file("etc/lease", (HERE / "files/lease").read_bytes(), 0o755)
    for tool in TOOLS:
        tree.file(f"bin/{tool}", (HERE / "files" / tool).read_bytes(), 0o755)
    modules = in_load_order(WANTED, modules_under(root))
    for module in modules:
        tree.file(f"modules/{module.name}.ko", module.content)
    tree.file("modules/order", "".join(f"{module.name}\n" for module in modules).encode())
    return tree.archive()


def _busybox(root: Path) -> Path:
    for place in ("bin", "usr/bin", "sbin", "usr/sbin"):
        if (root / place / "busybox").is_file():
            return root / place / "busybox"
    raise GuestError("no busybox in the packages: busybox-static, or EPEL's busybox, is needed")
