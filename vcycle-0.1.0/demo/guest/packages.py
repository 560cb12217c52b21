"""Fetches packages of the distribution and unpacks them, installing nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from attrs import frozen

from demo.guest.errors import GuestError

KERNEL_PACKAGE = "linux-image-cloud-amd64"


class Distribution(Protocol):
    """Where a guest's parts come from."""

    def fetch(self, into: Path) -> Sequence[Path]:
        """Have the packages of a guest in ``into``; those there already are used."""

    def unpack(self, package: Path, root: Path) -> None:
        """Unpack one package under ``root``."""


@frozen
class Debian:
    """``apt-get download`` and ``dpkg-deb -x``; neither wants root."""

    iso: bool = False

    def fetch(self, into: Path) -> Sequence[Path]:
        names = [self._kernel(), "busybox-static"]
        if shutil.which("lz4") is None:
            names.append("lz4")
        if self.iso:
            names += ["isolinux", "syslinux-common"]
        missing = [name for name in names if not list(into.glob(f"{name}_*.deb"))]
        if missing:
            # The download is root's own here; without the option apt warns that it is not _apt's.
            option = "APT::Sandbox::User=root"
            run(["apt-get", "-q", "-o", option, "download", *missing], cwd=into)
        return [max(into.glob(f"{name}_*.deb")) for name in names]

    def unpack(self, package: Path, root: Path) -> None:
        run(["dpkg-deb", "-x", str(package), str(root)])

    def _kernel(self) -> str:
        """The package that the distribution's kernel package stands for today."""
        listing = run(["apt-cache", "depends", KERNEL_PACKAGE])
        found = re.search(r"^ *Depends: (linux-image-\S+)$", listing, re.MULTILINE)
        if found is None:
            raise GuestError(f"apt knows no {KERNEL_PACKAGE}: run apt-get update")
        return found[1]


@frozen
class EnterpriseLinux:
    """``dnf download`` and ``rpm2cpio``; busybox is in EPEL."""

    def fetch(self, into: Path) -> Sequence[Path]:
        names = ["kernel-core", "kernel-modules-core", "busybox"]
        missing = [name for name in names if not list(into.glob(f"{name}-[0-9]*.rpm"))]
        if missing:
            run(["dnf", "-q", "download", "--arch", "x86_64", "--destdir", str(into), *missing])
        found = [sorted(into.glob(f"{name}-[0-9]*.rpm")) for name in names]
        absent = [name for name, files in zip(names, found) if not files]
        if absent:
            raise GuestError(f"dnf gave no {', '.join(absent)}: is EPEL enabled?")
        return [files[-1] for files in found]

    def unpack(self, package: Path, root: Path) -> None:
        archive = subprocess.run(["rpm2cpio", str(package)], stdout=subprocess.PIPE, check=True)
        command = ["cpio", "--quiet", "-idm", "--no-absolute-filenames"]
        subprocess.run(command, input=archive.stdout, cwd=root, check=True)


def here(iso: bool = False) -> Distribution:
    """
    The distribution of this machine.

    :raises GuestError: packages come here in a way not known.
    """
    if shutil.which("apt-get") is not None:
        return Debian(iso)
    if shutil.which("dnf") is not None and not iso:
        return EnterpriseLinux()
    raise GuestError("a guest is built from packages of Debian (or EL, without --iso) only")


def run(command: Sequence[str], cwd: Path | None = None) -> str:
    """What a command printed. :raises GuestError: it failed; the text holds what it said."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise GuestError(f"{command[0]} is not installed") from None
    except subprocess.CalledProcessError as error:
        said = " ".join((error.stderr or error.stdout).split())
        raise GuestError(f"{' '.join(command)} failed: {said}") from None
    return done.stdout
