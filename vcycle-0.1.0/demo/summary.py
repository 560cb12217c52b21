"""The state of the factory in a few lines, from what the daemon tells programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vcycle.commands.asking import NoAnswer, ask
from vcycle.monitor.place import socket_path

# The show must go on.
SECONDS = 2.0


def status(state_dir: Path) -> Mapping[str, Any] | None:
    """What the daemon says of itself; None while it does not answer."""
    try:
        return ask(socket_path(str(state_dir)), "/v1/status", SECONDS)
    except NoAnswer:
        return None


def lines(told: Mapping[str, Any], now: float) -> Iterator[str]:
    """Each machine that lives, and what the last decision was on each machinetype."""
    for space in told.get("spaces", ()):
        for machine in space.get("machines", ()):
            if machine.get("state") == "ended":
                continue
            age = now - float(machine.get("requested_at") or now)
            yield "  {:<28} {:<8} {:<9} {:>4.0f}s".format(
                machine.get("machine"), machine.get("machinetype"), machine.get("state"), age
            )
        for kind in space.get("machinetypes", ()):
            yield f"  {kind.get('machinetype')}: {kind.get('reason')}"
