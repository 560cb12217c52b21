"""Directories exported by the kernel's NFS server, with ``exportfs``."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection, Sequence
from ipaddress import AddressValueError, IPv4Address
from typing import Callable, TypeVar

from attrs import frozen
from zope.interface import implementer

from vcycle.core.errors import CallTimedOut, HostFault
from vcycle.interfaces import IExports, RunInThread

R = TypeVar("R")
Run = Callable[[Sequence[str], float], "subprocess.CompletedProcess[bytes]"]
"""Runs a program to its end, or raises subprocess.TimeoutExpired after so many seconds."""

OPTIONS = "sync,no_subtree_check,root_squash"
PLACES = "/usr/sbin:/usr/bin:/sbin:/bin"
MAX_WORDS = 500
MAX_LISTED = 1 << 20
_PATH = re.compile(r"/[0-9A-Za-z._/@+-]{1,200}", re.ASCII)
_LINE = re.compile(r"(?P<path>\S+)\s+(?P<client>[^\s()]+)\((?P<options>[^()]*)\)", re.ASCII)

NEEDS_ROOT = (
    "exportfs needs root: let the daemon run as root, by a drop-in of its unit with"
    " User=root (see the guide's page on disks and directories), or set sharing = auto"
)


def run_program(command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[bytes]:
    """A Run without a shell, input or the daemon's environment."""
    return subprocess.run(  # noqa: S603 (a list of arguments, and no shell)
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
        env={"PATH": PLACES, "LC_ALL": "C"},
        cwd="/",
        check=False,
    )


@implementer(IExports)
@frozen
class KernelExports:
    """
    Runs ``exportfs`` in a thread; ``seconds`` bounds one run, ``user`` gives our effective uid.

    An exit status other than 0 is a failure although the export may be made: what cannot be
    had whole is withdrawn.
    """

    in_thread: RunInThread
    exportfs: str = "exportfs"
    run: Run = run_program
    user: Callable[[], int] = os.geteuid
    seconds: float = 20.0

    async def export(self, path: str, address: str, writable: bool) -> None:
        client = _client(path, address)
        options = f"{'rw' if writable else 'ro'},{OPTIONS}"

        def work() -> None:
            problem = self._run(["-o", options, client])
            if problem is not None:
                self._run(["-u", client])
                raise HostFault(f"{path} cannot be exported to {address}: {problem}")

        await self._in_thread(work)

    async def withdraw(self, path: str, address: str) -> None:
        client = _client(path, address)

        def work() -> None:
            problem = self._run(["-u", client])
            if problem is not None and (path, address) in self._listed():
                raise HostFault(
                    f"{path} is still exported to {address}: {problem};"
                    f" withdraw it by: exportfs -u {client}"
                )

        await self._in_thread(work)

    async def exported(self) -> Collection[tuple[str, str]]:
        return await self._in_thread(self._listed)

    def _listed(self) -> Collection[tuple[str, str]]:
        result = self._call(["-s"])
        if result.returncode != 0:
            raise HostFault(f"exportfs -s failed: {_words(result.stderr)}")
        if len(result.stdout) > MAX_LISTED:
            raise HostFault(f"exportfs -s lists more than {MAX_LISTED} bytes")
        lines = result.stdout.decode("utf-8", "surrogateescape").splitlines()
        found = (_LINE.match(line) for line in lines)
        return frozenset((match["path"], match["client"]) for match in found if match)

    def _run(self, arguments: Sequence[str]) -> str | None:
        """Why it failed, or None."""
        result = self._call(arguments)
        if result.returncode == 0:
            return None
        return _words(result.stderr) or f"exportfs ended with {result.returncode}"

    def _call(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        if self.user() != 0:
            raise HostFault(NEEDS_ROOT)
        try:
            return self.run([self.exportfs, *arguments], self.seconds)
        except subprocess.TimeoutExpired:
            raise HostFault(f"exportfs did not end within {self.seconds:g} s") from None
        except OSError as error:
            raise HostFault(
                f"exportfs cannot be run: {error.strerror}; install nfs-kernel-server (Debian)"
                " or nfs-utils (EL)"
            ) from None

    async def _in_thread(self, work: Callable[[], R]) -> R:
        try:
            return await self.in_thread(work)
        except CallTimedOut as error:
            raise HostFault(f"exportfs took too long: {error}") from error


def _client(path: str, address: str) -> str:
    """What exportfs calls one export; nothing in it is a pattern, or an option of its own."""
    try:
        one = IPv4Address(address)
    except AddressValueError as error:
        raise HostFault(f"{path} is exported only to one address, not to {address!r}") from error
    if _PATH.fullmatch(path) is None or ".." in path.split("/"):
        raise HostFault(f"{path!r} is no path that can be exported")
    return f"{one}:{path}"


def _words(output: bytes) -> str:
    text = output[-MAX_WORDS:].decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
