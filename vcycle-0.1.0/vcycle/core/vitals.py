"""The status file: how the daemon is, for those who watch over it; see vcycle.core.health."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from vcycle.core.health import VERSION
from vcycle.core.machine import State
from vcycle.core.snapshot import Snapshot

NAME = "status.json"
MOST_SPACES = 500
MOST_PROBLEMS = 10
MOST_IMAGES = 200
MOST_LETTERS = 300

RUNNING = (State.RUNNING, State.DRAINING)
STARTING = (State.REQUESTED, State.STARTING)


@frozen(kw_only=True)
class Failures:
    """Creations that failed since the last machine that started; ``at`` in Unix seconds."""

    count: int = 0
    at: float | None = None
    text: str = ""


@frozen(kw_only=True)
class Pulse:
    """
    One space: its last cycle, when its provider last answered (None: not since the start, of
    which ``since`` tells), and what could not be created.
    """

    snapshot: Snapshot
    since: float
    answered_at: float | None = None
    failures: Failures = Failures()


def vitals(
    pulses: Iterable[Pulse],
    *,
    written: float,
    version: str,
    responder: Mapping[str, object] | None,
    images: Iterable[Mapping[str, object]] = (),
    accounting: Mapping[str, object] | None = None,
    problems: Sequence[str] = (),
) -> bytes:
    """
    The document. ``responder`` is None where no other factories are to be answered; ``problems``
    are the daemon's, of no space.

    It is bounded, holds nothing secret, and nothing of machines but their last words.
    """
    document: dict[str, object] = {
        "version": VERSION,
        "written": round(written, 3),
        "daemon_version": f"Vcycle {version} vcycled",
        "responder": responder,
        "problems": [_plain(problem) for problem in problems[:MOST_PROBLEMS]],
        "spaces": [_space(pulse) for pulse in list(pulses)[:MOST_SPACES]],
    }
    rows = list(images)[:MOST_IMAGES]
    if rows:
        document["images"] = [{key: _plain(row[key]) for key in row} for row in rows]
    if accounting is not None:
        document["accounting"] = {key: _plain(accounting[key]) for key in accounting}
    return json.dumps(document, indent=1).encode("ascii") + b"\n"


def _space(pulse: Pulse) -> dict[str, object]:
    snapshot = pulse.snapshot
    space, machines = snapshot.space, snapshot.machines
    running = [reviewed.record for reviewed in machines if reviewed.state in RUNNING]
    failures = pulse.failures
    return {
        "space": space.name,
        "factory": space.factory_name,
        "heartbeat": round(snapshot.taken_at, 3),
        "cycle_seconds": space.cycle_seconds,
        "draining": space.draining,
        "answered": pulse.since if pulse.answered_at is None else pulse.answered_at,
        "machines": len(machines),
        "running": len(running),
        "starting": sum(reviewed.state in STARTING for reviewed in machines),
        "slots": snapshot.slots,
        "running_processors": sum(record.processors for record in running),
        "max_processors": snapshot.processors_limit,
        "failures": {
            "count": failures.count,
            "at": failures.at,
            "text": _plain(failures.text),
        },
        "problems": [_plain(problem) for problem in snapshot.problems[:MOST_PROBLEMS]],
    }


def _plain(value: object) -> object:
    """A number as it is, all else as text of bounded length."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(value)[:MOST_LETTERS]
