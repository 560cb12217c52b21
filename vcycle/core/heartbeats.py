"""The machines of a machinetype that are alive by their own word, for those that look for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

from vcycle.core.machine import Record, Traces


@frozen(order=True)
class Heartbeat:
    """When a machine's heartbeat was written (Unix seconds), and where the machine is reached."""

    at: float
    name: str
    address: str


def heartbeats(
    records: Iterable[Record], traces: Mapping[str, Traces], now: float, machinetype: str
) -> tuple[Heartbeat, ...]:
    """
    The machinetype's machines whose heartbeat is as current as their own limits ask for, the
    newest first.

    Machines with user networking have no address, and machines without ``heartbeat_file`` say
    nothing: neither is ever among them.
    """
    found = []
    for record in records:
        if record.machinetype != machinetype or record.address is None:
            continue
        at = _beat(record, traces.get(record.uuid), now)
        if at is not None:
            found.append(Heartbeat(at, record.name, record.address))
    return tuple(sorted(found, reverse=True))


def listing(beats: Iterable[Heartbeat]) -> bytes:
    """A line ``TIME NAME ADDRESS`` for each, as Vcycle's ``heartbeatlists`` always were."""
    return "".join(f"{int(beat.at)} {beat.name} {beat.address}\n" for beat in beats).encode()


def _beat(record: Record, traces: Traces | None, now: float) -> float | None:
    """When it last beat; None if it does not, or is over or about to be."""
    if record.doom is not None or record.ended_at is not None:
        return None
    if record.limits.heartbeat_file is None or traces is None or traces.heartbeat_at is None:
        return None
    within = record.limits.heartbeat_seconds
    return traces.heartbeat_at if within == 0 or now - traces.heartbeat_at <= within else None
