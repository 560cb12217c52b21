"""Who has a port of this host, as far as the kernel tells."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection
from ipaddress import IPv4Address

from vcycle.daemon.instants import wall
from vcycle.store.lock import LOCK, Processes, read_holder

FRESH = 600.0
_SOCKET = re.compile(r"socket:\[([0-9]+)\]")


def listening(protocol: str, number: int, only: frozenset[str] = frozenset()) -> frozenset[str]:
    """
    The sockets that have a port, by their inodes: on whatever address, or on all of them
    together and those of ``only`` (IPv4).
    """
    wanted = f":{number:04X}"
    # The kernel writes an address as one number, in the order of this host's bytes.
    places = {f"{int.from_bytes(IPv4Address(one).packed, sys.byteorder):08X}" for one in only}
    found = set()
    for family in ("", "6"):
        for line in _lines(f"/proc/net/{protocol.lower()}{family}")[1:]:
            words = line.split()
            # 0A is LISTEN; UDP sockets that anybody may send to are 07.
            if len(words) > 9 and words[1].endswith(wanted) and words[3] in ("0A", "07"):
                place = words[1].partition(":")[0]
                if not only or not place.strip("0") or place in places:
                    found.add(words[9])
    return frozenset(found)


def daemons(state_dir: str, sockets: Collection[str]) -> bool | None:
    """
    Whether any of ``sockets`` is of the daemon that has a state directory.

    None if it cannot be seen: only root sees another process's sockets.
    """
    holder = read_holder(os.path.join(state_dir, LOCK))
    if holder is None:
        return None if _beats(state_dir) else False
    if not Processes().alive(holder):
        return False
    own = _sockets(holder.pid)
    return None if own is None else not own.isdisjoint(sockets)


def _sockets(pid: int) -> set[str] | None:
    """The inodes of a process's sockets; None if they cannot be seen."""
    place = f"/proc/{pid}/fd"
    found = set()
    try:
        for name in os.listdir(place):
            try:
                match = _SOCKET.fullmatch(os.readlink(f"{place}/{name}"))
            except FileNotFoundError:
                continue
            if match:
                found.add(match[1])
    except OSError:
        return None
    return found


def _beats(state_dir: str) -> bool:
    try:
        return wall() - os.stat(f"{state_dir}/status.json").st_mtime < FRESH
    except OSError:
        return False


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []
