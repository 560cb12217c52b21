"""Machines that are over, as they are told of afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import asdict, frozen

from vcycle.core.machine import Record
from vcycle.core.messages import MAX_MESSAGE

MOST_LETTERS = 300


@frozen(kw_only=True)
class End:
    """One of them: ``at`` in Unix seconds, ``seconds`` from its start, or request, to then."""

    machine: str
    machinetype: str
    outcome: str
    abort: bool
    at: float
    seconds: float
    message: str | None = None


def end_of(record: Record) -> End:
    """How a machine ended whose record says so."""
    began = record.started_at if record.started_at is not None else record.requested_at
    ended = began if record.ended_at is None else record.ended_at
    return End(
        machine=record.name,
        machinetype=record.machinetype,
        outcome="unknown" if record.outcome is None else record.outcome.value,
        abort=record.abort,
        at=round(ended, 3),
        seconds=round(max(0.0, ended - began), 3),
        message=None if record.message is None else record.message[:MAX_MESSAGE],
    )


def kept(ends: Iterable[End]) -> list[dict[str, object]]:
    """As JSON."""
    return [asdict(end) for end in ends]


def recalled(rows: object) -> Iterator[End]:
    """What was kept; what makes no sense is left out."""
    for row in rows if isinstance(rows, list) else []:
        end = _end(row) if isinstance(row, dict) else None
        if end is not None:
            yield end


def _end(row: Mapping[str, object]) -> End | None:
    machine, machinetype, outcome = (row.get(k) for k in ("machine", "machinetype", "outcome"))
    at, seconds, message = row.get("at"), row.get("seconds"), row.get("message")
    if not (_word(machine) and _word(machinetype) and _word(outcome)):
        return None
    if not (_moment(at) and _moment(seconds)):
        return None
    return End(
        machine=str(machine),
        machinetype=str(machinetype),
        outcome=str(outcome),
        abort=row.get("abort") is True,
        at=float(str(at)),
        seconds=float(str(seconds)),
        message=message[:MAX_MESSAGE] if isinstance(message, str) else None,
    )


def _word(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MOST_LETTERS


def _moment(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e12
