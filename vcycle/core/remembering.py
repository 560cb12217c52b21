"""What a space remembers from cycle to cycle beside its records, as one JSON object."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from attrs import asdict, evolve, frozen

from vcycle.core.backoff import History
from vcycle.core.machine import Record
from vcycle.core.outlook import Abort, Outlook

MOMENTS = ("last_abort", "proof")
WORDS = ("abort_message", "abort_machine")
MAX_TEXT = 300
"""Characters of a text; names and messages of other factories are no longer."""


@frozen(kw_only=True)
class Pulse:
    """
    How old a machine was when it was last seen, and the CPU time it had used by then.

    Both in seconds: as an age has no clock, it stays right whatever steps the clock makes.
    """

    age: float
    cpu_seconds: float


@frozen(kw_only=True)
class Memory:
    """
    Histories by machinetype, pulses by uuid.

    ``clock`` counts the clock steps that the times of the histories include.
    """

    histories: Mapping[str, History]
    pulses: Mapping[str, Pulse]
    clock: int = 0


def remembered(
    histories: Mapping[str, History], records: Iterable[Record], clock: int
) -> dict[str, object]:
    """The JSON object; a look at each machine costs one short list in it."""
    return {
        "version": 1,
        "clock": clock,
        "histories": {name: _remembered(history) for name, history in histories.items()},
        "pulses": {
            record.uuid: [
                round(record.seen_at - record.requested_at, 3),
                round(record.cpu_seconds, 3),
            ]
            for record in records
            if record.seen_at is not None
        },
    }


def recall(memory: Mapping[str, object]) -> Memory:
    """The memory again; whatever in it makes no sense is forgotten, never guessed at."""
    histories, pulses = memory.get("histories"), memory.get("pulses")
    clock = memory.get("clock")
    return Memory(
        histories={
            str(name): _history(value)
            for name, value in (histories.items() if isinstance(histories, dict) else ())
            if isinstance(value, dict)
        },
        pulses={
            str(uuid): pulse
            for uuid, value in (pulses.items() if isinstance(pulses, dict) else ())
            if (pulse := _pulse(value)) is not None
        },
        clock=clock if isinstance(clock, int) and clock >= 0 else 0,
    )


def restored(record: Record, pulse: Pulse | None) -> Record:
    """A record as it was read, with the pulse that was remembered beside it."""
    if pulse is None:
        return record
    seen_at = record.requested_at + pulse.age
    if record.seen_at is not None and record.seen_at >= seen_at:
        return record
    return evolve(record, seen_at=seen_at, cpu_seconds=max(record.cpu_seconds, pulse.cpu_seconds))


def _remembered(history: History) -> dict[str, object]:
    """Of the space its last abort and proof; what was being watched is watched anew."""
    outlook = history.outlook
    return {
        **{key: getattr(history, key) for key in MOMENTS + WORDS},
        "space_abort": None if outlook.abort is None else asdict(outlook.abort),
        "space_proof": outlook.proof,
    }


def _history(value: Mapping[str, object]) -> History:
    last_abort, proof = (_number(value.get(key)) for key in MOMENTS)
    message, machine = (_text(value.get(key)) for key in WORDS)
    return History(
        last_abort=last_abort,
        abort_message=message,
        abort_machine=machine,
        proof=proof,
        outlook=Outlook(
            abort=_abort(value.get("space_abort")), proof=_number(value.get("space_proof"))
        ),
    )


def _abort(value: object) -> Abort | None:
    if not isinstance(value, dict):
        return None
    at, factory = _number(value.get("at")), _text(value.get("factory"))
    if at is None or factory is None:
        return None
    machine, message = (_text(value.get(key)) for key in ("machine", "message"))
    return Abort(at=at, factory=factory, machine=machine, message=message)


def _text(value: object) -> str | None:
    return value[:MAX_TEXT] if isinstance(value, str) else None


def _pulse(value: object) -> Pulse | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    age, cpu_seconds = _number(value[0]), _number(value[1])
    if age is None or cpu_seconds is None:
        return None
    return Pulse(age=age, cpu_seconds=cpu_seconds)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
