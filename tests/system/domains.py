"""
The machines that really run, as the kernel lists their processes.

libvirt is not asked: it may be stopped, or killed, or embedded in another process.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from demo.processes import Process, end, process

_NAME = re.compile(r"\0-name\0guest=([^,\0]+)")
_UUID = re.compile(r"\0-uuid\0([0-9a-f-]{36})\0")


@frozen(kw_only=True)
class Domain:
    """One QEMU."""

    name: str
    uuid: str
    process: Process


def domains(within: str = "") -> list[Domain]:
    """All that run, or those whose command line holds a text, such as a directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if not line.partition("\0")[0].rpartition("/")[2].startswith("qemu-") or within not in line:
            continue
        name, uuid, running = _NAME.search(line), _UUID.search(line), process(int(entry.name))
        if name and uuid and running and running.alive:
            found.append(Domain(name=name[1], uuid=uuid[1], process=running))
    return sorted(found, key=lambda domain: domain.name)


def pids(within: str = "") -> dict[str, Process]:
    """The processes of the machines, by uuid."""
    return {domain.uuid: domain.process for domain in domains(within)}


def end_all(within: str = "") -> None:
    """End them by force."""
    end([domain.process for domain in domains(within)], patience=0.0)


def remove_cgroups(name: str) -> None:
    """
    Control groups of machines whose names match, as far as they are empty: libvirt removes
    them at a machine's end, unless libvirt itself was ended before.
    """
    pattern = re.compile(rf"/machine[^/]*/qemu-[^/]*{name}")
    for directory, _, _ in os.walk("/sys/fs/cgroup", topdown=False):
        if pattern.search(directory):
            with suppress(OSError):
                os.rmdir(directory)
