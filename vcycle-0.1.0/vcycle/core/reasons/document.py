"""The reasons of all spaces as one JSON document, for programs and ``vcycle explain``."""

from __future__ import annotations

import json
from collections.abc import Iterable

from vcycle.core.reasons.nextchange import next_change
from vcycle.core.reasons.rule import Reasons, Rule
from vcycle.core.snapshot import Snapshot

_JSON = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


def explain_text(snapshots: Iterable[Snapshot], *, written: float) -> bytes:
    """All spaces with their rules; version 1 of its shape."""
    document = {
        "version": 1,
        "written": round(written, 3),
        "spaces": [explained(snapshot) for snapshot in snapshots],
    }
    return _JSON.encode(document).encode("ascii")


def explained(snapshot: Snapshot) -> dict[str, object]:
    """One space: the rules for all, the order of need, and each machinetype with its own."""
    space, reasons = snapshot.space, snapshot.reasons
    cycle_at = snapshot.taken_at + space.cycle_seconds
    return {
        "space": space.name,
        "factory": space.factory_name,
        "taken_at": round(snapshot.taken_at, 3),
        "next_cycle_at": round(cycle_at, 3),
        "problems": list(snapshot.problems),
        "rules": [_rule(rule) for rule in reasons.space],
        "order": [
            {
                "machinetype": need.machinetype,
                "target_share": need.target_share,
                "hs06": round(need.hs06, 3),
                "score": round(need.score, 6),
                "machinegroup": need.group,
                "group_score": round(need.group_score, 6),
            }
            for need in reasons.order
        ],
        "superslots": {
            "size": space.processors_per_superslot,
            "open": [
                {"shutdown_time": s.shutdown_time, "processors": s.processors, "kept": s.lack}
                for s in reasons.superslots
            ],
        },
        "free": {
            "processors": reasons.free_processors,
            "memory_mb": reasons.free_memory_mb,
            "machines": reasons.free_machines,
        },
        "machinetypes": _machinetypes(snapshot, reasons, cycle_at),
    }


def _machinetypes(snapshot: Snapshot, reasons: Reasons, cycle_at: float) -> list[dict[str, object]]:
    places = {need.machinetype: place for place, need in enumerate(reasons.order, 1)}
    found: list[dict[str, object]] = []
    for verdict in snapshot.verdicts:
        coming = next_change(verdict, reasons, cycle_at)
        found.append(
            {
                "machinetype": verdict.machinetype,
                "verdict": verdict.word,
                "reason": verdict.text,
                "started": verdict.started,
                "place": places.get(verdict.machinetype),
                "rules": [_rule(r) for r in reasons.machinetypes.get(verdict.machinetype, ())],
                "next_at": None if coming.at is None else round(coming.at, 3),
                "next": coming.text,
            }
        )
    return found


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "rule": rule.name,
        "seen": rule.seen,
        "passes": rule.refusal is None,
        "refusal": rule.refusal,
        "until": rule.until,
    }
