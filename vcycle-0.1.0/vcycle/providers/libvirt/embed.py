"""libvirt's driver inside this process: ``qemu:///embed?root=DIRECTORY``."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from threading import Lock
from urllib.parse import parse_qs, urlsplit

from vcycle.providers.libvirt.unstarted import forget_unstarted

# Names of UNIX sockets are made of it, and they may have 107 bytes.
MAX_ROOT = 50

_FOR_ALL = 'stdio_handler = "file"\n'
_FOR_ROOT = 'user = "+0"\ngroup = "+0"\nremember_owner = 0\nnamespaces = [ ]\n'

_lock = Lock()
_claimed: list[str] = []


def root_of(uri: str) -> str | None:
    """The root directory that an embedding URI names; None for every other URI."""
    parts = urlsplit(uri)
    if parts.scheme != "qemu" or parts.netloc or parts.path != "/embed":
        return None
    return parse_qs(parts.query).get("root", [""])[0]


def ready(uri: str) -> str | None:
    """
    Prepare what a URI needs before it is opened; gives the problem, with its cure, or None.

    A process that has embedded the driver at one root cannot open any other qemu: URI, by
    libvirt's own rule and for the life of the process: hence state of this module.
    """
    if not uri.startswith("qemu"):
        return None
    root = root_of(uri)
    with _lock:
        if root is None:
            if not _claimed:
                return None
            return f"this process embeds libvirt at {_claimed[0]}; give {uri} a daemon of its own"
        problem = _check(root)
        if problem is None and _claimed and _claimed[0] != root:
            problem = f"this process embeds libvirt at {_claimed[0]}, and can do so once only"
        if problem is None:
            problem = _write(Path(root))
        if problem is None and not _claimed:
            problem = _forget(Path(root))
        if problem is None and not _claimed:
            _claimed.append(root)
        return problem


def configuration(is_root: bool) -> str:
    """What ``qemu.conf`` must say: no log daemon, no other users, no name spaces."""
    return _FOR_ALL + _FOR_ROOT if is_root else _FOR_ALL


def _check(root: str) -> str | None:
    if not root.startswith("/"):
        return f"root={root!r}: write an absolute path: qemu:///embed?root=/var/lib/vcycle/libvirt"
    if len(os.fsencode(root)) > MAX_ROOT:
        return f"root={root}: longer than {MAX_ROOT} bytes, too long for sockets; use a shorter one"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("libvirt-qemu" if Path("/etc/debian_version").exists() else "qemu")
        except KeyError as error:
            return f"{error.args[0]}: as root libvirt needs this user; add it with useradd -r"
    return None


def _write(root: Path) -> str | None:
    file = root / "etc" / "qemu.conf"
    wanted = configuration(os.geteuid() == 0)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_text(encoding="utf-8") != wanted:
            file.write_text(wanted, encoding="utf-8")
    except (OSError, ValueError) as error:
        return f"cannot write {file}: {error}"
    return None


def _forget(root: Path) -> str | None:
    try:
        forget_unstarted(root)
    except OSError as error:
        return f"cannot tidy {error.filename or root}: {error.strerror}; remove it"
    return None
