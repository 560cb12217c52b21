"""What the dashboard shows, as one JSON document of bounded size."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from attrs import Factory, frozen

from vcycle.core.ends import End, kept
from vcycle.core.machine import Record, State
from vcycle.core.snapshot import Snapshot
from vcycle.core.standing import Standing, standings
from vcycle.core.trend import Trend

VERSION = 1
MOST_SPACES = 50
MOST_KINDS = 200
MOST_FACTORIES = 250
MOST_MACHINES = 512
MOST_ENDS = 40
MOST_PROBLEMS = 20
MOST_IMAGES = 100
MOST_LETTERS = 400

_JSON = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


@frozen(kw_only=True)
class Shown:
    """
    All that the page shows. ``ends`` are the last ended machines by space, the newest first;
    ``images`` and ``accounting`` are as they are told of.
    """

    version: str
    written: float
    snapshots: tuple[Snapshot, ...] = ()
    ends: Mapping[str, Sequence[End]] = Factory(dict)
    images: tuple[Mapping[str, object], ...] = ()
    accounting: Mapping[str, object] | None = None
    problems: tuple[str, ...] = ()


def view(shown: Shown) -> bytes:
    """The document of what is now."""
    return _encoded(
        {
            "version": VERSION,
            "written": round(shown.written, 3),
            "daemon": f"Vcycle {shown.version}",
            "problems": [_text(problem) for problem in shown.problems[:MOST_PROBLEMS]],
            "spaces": [
                _space(snapshot, shown.ends.get(snapshot.space.name, ()))
                for snapshot in shown.snapshots[:MOST_SPACES]
            ],
            "images": [_row(image) for image in shown.images[:MOST_IMAGES]],
            "accounting": None if shown.accounting is None else _row(shown.accounting),
        }
    )


def day(trend: Trend, spaces: Iterable[str], now: float) -> bytes:
    """The document of the last day."""
    shown = {space: trend.shown(space, now) for space in list(spaces)[:MOST_SPACES]}
    return _encoded({"version": VERSION, "written": round(now, 3), "spaces": shown})


def _encoded(document: Mapping[str, object]) -> bytes:
    return _JSON.encode(document).encode("ascii")


def _space(snapshot: Snapshot, ends: Sequence[End]) -> dict[str, object]:
    space, host = snapshot.space, snapshot.host
    machines = snapshot.machines
    found = standings(snapshot)
    return {
        "space": space.name,
        "factory": space.factory_name,
        "site": space.site,
        "description": space.description,
        "taken_at": round(snapshot.taken_at, 3),
        "cycle_seconds": space.cycle_seconds,
        "draining": space.draining,
        "shutdown_time": space.shutdown_time,
        "answered": snapshot.answered,
        "problems": [_text(problem) for problem in snapshot.problems[:MOST_PROBLEMS]],
        "counts": {
            "machines": len(machines),
            "slots": snapshot.slots,
            "processors": sum(reviewed.record.processors for reviewed in machines),
            "max_processors": snapshot.processors_limit,
            "disk_free": None if host is None else host.disk_free,
            "load": None if host is None else round(host.load, 2),
        },
        "machinetypes": [_kind(standing) for standing in found[:MOST_KINDS]],
        "more_machinetypes": max(0, len(found) - MOST_KINDS),
        "factories": _factories(snapshot, found),
        "machines": [
            _machine(reviewed.record, reviewed.state) for reviewed in machines[:MOST_MACHINES]
        ],
        "ends": kept(ends[:MOST_ENDS]),
    }


def _kind(standing: Standing) -> dict[str, object]:
    machinetype, abort = standing.machinetype, standing.abort
    return {
        "machinetype": machinetype.name,
        "target_share": machinetype.target_share,
        "target": _part(standing.target),
        "actual": _part(standing.actual),
        "hs06": round(standing.hs06, 2),
        "states": {state.value: count for state, count in standing.states.items()},
        "elsewhere": sum(report.running_machines for report in standing.elsewhere),
        "word": standing.verdict.word,
        "reason": _text(standing.verdict.text),
        "backoff_until": standing.backoff_until,
        "abort": None
        if abort is None
        else {
            "at": round(abort.at, 3),
            "factory": abort.factory,
            "machine": abort.machine,
            "message": None if abort.message is None else _text(abort.message),
        },
    }


def _factories(snapshot: Snapshot, found: Sequence[Standing]) -> list[dict[str, object]]:
    """Ours first, then those that answer, then those that do not."""
    peers, own = snapshot.peers, snapshot.space.factory_name
    rows: dict[str, dict[str, object]] = {}
    kinds: dict[str, dict[str, object]] = {}
    for standing in found[:MOST_KINDS]:
        for report in standing.elsewhere:
            kinds.setdefault(report.factory, {})[report.machinetype] = {
                "machines": report.running_machines,
                "young": min(report.young, report.running_machines),
            }
    ours = {
        standing.machinetype.name: {state.value: n for state, n in standing.states.items()}
        for standing in found[:MOST_KINDS]
        if standing.machines
    }
    rows[own] = {"factory": own, "own": True, "answers": True, "states": ours}
    alive = sorted({*peers.alive, *kinds} - {own})
    for name in alive[:MOST_FACTORIES]:
        rows[name] = {"factory": name, "own": False, "answers": True, "kinds": kinds.get(name, {})}
    for name in sorted(peers.silent)[: max(0, MOST_FACTORIES - len(alive))]:
        if name not in rows:
            why = _text(peers.silent[name])
            rows[name] = {"factory": name, "own": False, "answers": False, "why": why}
    return list(rows.values())


def _machine(record: Record, state: State) -> dict[str, object]:
    return {
        "machine": record.name,
        "slot": record.slot,
        "machinetype": record.machinetype,
        "state": state.value,
        "processors": record.processors,
        "since": round(record.started_at or record.requested_at, 3),
        "until": round(record.shutdown_time, 3),
        "why": None if record.doom is None else _text(record.doom.text),
    }


def _row(row: Mapping[str, object]) -> dict[str, object]:
    return {
        key: value if value is None or isinstance(value, (bool, int, float)) else _text(str(value))
        for key, value in row.items()
    }


def _part(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _text(text: str) -> str:
    return text[:MOST_LETTERS]
