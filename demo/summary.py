"""The state of the factory in a few lines, from what the daemon tells programs."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# A status is a few kilobytes here; whatever answers must not fill the memory.
LIMIT = 4 * 1024 * 1024


def ask(path: Path, seconds: float = 2.0) -> Mapping[str, Any] | None:
    """The daemon's status from its Unix socket; None while it does not answer."""
    request = b"GET /status HTTP/1.0\r\nHost: localhost\r\n\r\n"
    answer = bytearray()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(seconds)
            asking.connect(str(path))
            asking.sendall(request)
            while len(answer) < LIMIT and (piece := asking.recv(65536)):
                answer += piece
        head, _, body = bytes(answer).partition(b"\r\n\r\n")
        status = json.loads(body) if b" 200 " in head.split(b"\r\n")[0] else None
    except (OSError, ValueError):
        return None
    return status if isinstance(status, dict) else None


def lines(status: Mapping[str, Any], now: float) -> Iterator[str]:
    """Each machine that lives, and what the last decision was on each machinetype."""
    for space in status.get("spaces", ()):
        for machine in space.get("machines", ()):
            if machine.get("state") == "ended":
                continue
            age = now - float(machine.get("requested_at") or now)
            yield "  {:<28} {:<8} {:<9} {:>4.0f}s".format(
                machine.get("machine"), machine.get("machinetype"), machine.get("state"), age
            )
        for kind in space.get("machinetypes", ()):
            yield f"  {kind.get('machinetype')}: {kind.get('reason')}"
