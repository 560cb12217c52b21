"""What readers see: one immutable value, published at the end of each cycle."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from attrs import Factory, frozen

from vcycle.core.backoff import History
from vcycle.core.config.model import Space
from vcycle.core.machine import Record, State, Traces
from vcycle.core.moments import moment
from vcycle.core.observation import Host, Reviewed, Verdict
from vcycle.core.peers import Peers
from vcycle.core.reasons.rule import Reasons

AT_ONCE = 200
"""Machines that are encoded by one call: no other thread runs until it returns."""

_JSON = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


@frozen(kw_only=True)
class Snapshot:
    """
    One space at ``taken_at`` (Unix seconds); ``over`` is each slot's last ended machine.

    ``answered`` says that the provider told what is there; ``unclaimed`` how many machines carry
    our mark and are in no record; ``left`` has the kind and name of what was lent to a machine and
    could not be taken back since.
    """

    space: Space
    taken_at: float
    machines: tuple[Reviewed, ...]
    traces: Mapping[str, Traces] = Factory(dict)
    over: tuple[Record, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    histories: Mapping[str, History] = Factory(dict)
    problems: tuple[str, ...] = ()
    processors_limit: int | None = None
    peers: Peers = Factory(Peers)
    host: Host | None = None
    answered: bool = True
    unclaimed: int = 0
    left: frozenset[tuple[str, str]] = frozenset()
    reasons: Reasons = Factory(Reasons)

    @property
    def slots(self) -> int:
        """How many machines there may be, as far as that is known."""
        if self.space.total_machines is not None:
            return self.space.total_machines
        return len(self.machines) if self.processors_limit is None else self.processors_limit


def counts_line(snapshot: Snapshot) -> str:
    """
    The family's line of counts, without a newline.

    ``<running machines> <machines limit> <running processors> <processors limit> <running HS06>``
    """
    running = [r.record for r in snapshot.machines if r.state in (State.RUNNING, State.DRAINING)]
    processors = sum(record.processors for record in running)
    limit = snapshot.processors_limit or 0
    hs06 = sum(record.hs06 for record in running)
    return f"{len(running)} {snapshot.slots} {processors} {limit} {hs06:.2f}"


def status_text(snapshots: Iterable[Snapshot], *, written: float, version: str) -> bytes:
    """All spaces as one JSON document for programs; version 1 of its shape."""
    head = {
        "version": 1,
        "written": round(written, 3),
        "daemon_version": f"Vcycle {version} vcycled",
    }
    spaces = (_encode(_space(snapshot), "machines", _machines(snapshot)) for snapshot in snapshots)
    return _joined(_JSON.encode(head), "spaces", spaces).encode("ascii")


def _encode(head: Mapping[str, object], key: str, items: Iterator[object]) -> str:
    """The object with one long list more, a few items of which are encoded at a time."""
    some = iter(lambda: list(islice(items, AT_ONCE)), [])
    return _joined(_JSON.encode(head), key, (_JSON.encode(part)[1:-1] for part in some))


def _joined(head: str, key: str, parts: Iterable[str]) -> str:
    return f"{head[:-1]},{_JSON.encode(key)}:[{','.join(parts)}]}}"


def _space(snapshot: Snapshot) -> dict[str, object]:
    """All of a space but its machines."""
    space = snapshot.space
    return {
        "space": space.name,
        "factory": space.factory_name,
        "site": space.site,
        "taken_at": round(snapshot.taken_at, 3),
        "draining": space.draining,
        "problems": list(snapshot.problems),
        "counts": {
            "machines": len(snapshot.machines),
            "processors": sum(r.record.processors for r in snapshot.machines),
            "max_machines": space.total_machines,
            "max_processors": snapshot.processors_limit,
        },
        "machinetypes": _machinetypes(snapshot),
    }


def _machines(snapshot: Snapshot) -> Iterator[dict[str, object]]:
    for reviewed in snapshot.machines:
        record = reviewed.record
        yield _machine(record, reviewed.state, snapshot.traces.get(record.uuid))
    for record in snapshot.over:
        yield _machine(record, State.ENDED, None)


def _machine(record: Record, state: State, traces: Traces | None) -> dict[str, object]:
    message = record.message or (None if traces is None else traces.message)
    return {
        "machine": record.name,
        "machinetype": record.machinetype,
        "state": state.value,
        "uuid": record.uuid,
        "processors": record.processors,
        "memory_mb": record.memory_mb,
        "requested_at": record.requested_at,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "cpu_seconds": round(record.cpu_seconds, 3),
        "shutdown_time": record.shutdown_time,
        "message": message,
        "address": record.address,
        "why": _why(record, state),
    }


def _why(record: Record, state: State) -> str:
    if state is State.DOOMED and record.doom is not None:
        return record.doom.text
    if state is State.ENDED and record.outcome is not None:
        return record.outcome.value
    return f"until {moment(record.shutdown_time)}"


def _machinetypes(snapshot: Snapshot) -> list[dict[str, object]]:
    machines: dict[str, int] = {}
    starting: dict[str, int] = {}
    for reviewed in snapshot.machines:
        name = reviewed.record.machinetype
        machines[name] = machines.get(name, 0) + 1
        if reviewed.state in (State.REQUESTED, State.STARTING):
            starting[name] = starting.get(name, 0) + 1
    verdicts = {verdict.machinetype: verdict for verdict in snapshot.verdicts}
    return [
        {
            "machinetype": name,
            "target_share": machinetype.target_share,
            "machines": machines.get(name, 0),
            "starting": starting.get(name, 0),
            "last_abort": snapshot.histories.get(name, History()).last_abort,
            "verdict": verdicts[name].word if name in verdicts else "unknown",
            "reason": verdicts[name].text if name in verdicts else "no cycle yet",
        }
        for name, machinetype in snapshot.space.machinetypes.items()
    ]
