"""
The fence around guests with user networking: a network namespace without a way out.

QEMU's user networking lets a guest reach whatever its host reaches, the metadata service of
a cloud that the host itself may run in included. So the whole daemon moves into a namespace
that has nothing but its own loopback, and every QEMU that it starts is born there.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Sequence

from vcycle.core.errors import VcycleError

# From linux/sched.h, linux/sockios.h and linux/if.h.
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
IFF_UP, IFF_LOOPBACK = 0x1, 0x8

CURES = (
    "start vcycled as root; or allow unprivileged user namespaces (the sysctls "
    "user.max_user_namespaces, kernel.unprivileged_userns_clone and "
    "kernel.apparmor_restrict_unprivileged_userns); or start it in a network namespace that has "
    "only its loopback, which is up; or use a libvirt URI with networks, such as qemu:///system"
)


class FenceRefused(VcycleError):
    """The fence cannot be had, so no guest may start; the text says what was refused."""


def enter(reason: str, beside: Sequence[int] = ()) -> bool:
    """
    Move this process into a network namespace with nothing but a loopback, unless it is in one.

    If one of the processes ``beside`` it lives behind such a fence, theirs is entered: guests
    that outlived an earlier daemon would not find their web server in another.

    Call it before any thread exists: a namespace is a thread's own, and those that exist
    already would stay outside. True if the process was moved by this call.

    :param reason: what needs the fence, to begin a refusal's text with.
    :raises FenceRefused: no such namespace can be had, or threads exist already. The process
        may have lost its user and group by then: end it.
    """
    moved = not is_fenced()
    try:
        if moved:
            _refuse_threads(reason)
            if not any(_join(pid) for pid in beside):
                _leave()
        _bring_loopback_up()
    except OSError as error:
        raise FenceRefused(f"{reason}: {_refusal(error)}. To cure it: {CURES}.") from error
    if not is_fenced():
        raise FenceRefused(f"{reason}: the new network namespace has a way out. Cure: {CURES}.")
    return moved


def is_fenced() -> bool:
    """Whether no network interface but loopbacks is up for this thread."""
    with _control() as control:
        flags = [_flags(control, name) for _, name in socket.if_nameindex()]
    return not any(each & IFF_UP and not each & IFF_LOOPBACK for each in flags)


def _refuse_threads(reason: str) -> None:
    threads = len(os.listdir("/proc/self/task"))
    if threads > 1:
        raise FenceRefused(
            f"{reason}: {threads} threads run already, and all but one would stay outside the "
            "fence; it must be entered before the first thread starts."
        )


def _leave() -> None:
    """Into a namespace of our own: with root's right, or as the root of a user namespace."""
    user, group = os.geteuid(), os.getegid()
    try:
        _unshare(CLONE_NEWNET)
    except PermissionError:
        _unshare(CLONE_NEWUSER | CLONE_NEWNET)
        # The same numbers inside and outside: files and libvirt see the user they know.
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")


def _join(pid: int) -> bool:
    """Into the namespaces of a process, where there is a fence; else nothing has changed."""
    try:
        with open(f"/proc/{pid}/ns/user", "rb") as user, open(f"/proc/{pid}/ns/net", "rb") as net:
            if _other("user", user.fileno()):
                _set_namespace(user.fileno(), CLONE_NEWUSER)
            if not _other("net", net.fileno()):
                return False
            _set_namespace(net.fileno(), CLONE_NEWNET)
    except OSError:
        # It ended meanwhile, or is not ours to join.
        return False
    return is_fenced()


def _other(kind: str, descriptor: int) -> bool:
    """Whether a namespace is not the one that this process is in."""
    there, here = os.fstat(descriptor), os.stat(f"/proc/self/ns/{kind}")
    return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)


def _set_namespace(descriptor: int, flag: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, flag) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "the namespace of an earlier guest")


def _unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        number = ctypes.get_errno()
        what = "user and network" if flags & CLONE_NEWUSER else "network"
        raise OSError(number, os.strerror(number), f"a new {what} namespace")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _bring_loopback_up() -> None:
    """The daemon's web server and its guests meet on it."""
    with _control() as control:
        flags = _flags(control, "lo")
        if not flags & IFF_UP:
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", flags | IFF_UP))


def _flags(control: socket.socket, name: str) -> int:
    try:
        answer = fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16s24x", name.encode()))
    except OSError as error:
        if error.errno == errno.ENODEV:  # It went away since it was listed.
            return 0
        raise
    return int(struct.unpack_from("H", answer, 16)[0])


def _control() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)


def _refusal(error: OSError) -> str:
    what = error.filename or "its loopback"
    return f"the fence around guests was refused: {what}: {error.strerror}"
