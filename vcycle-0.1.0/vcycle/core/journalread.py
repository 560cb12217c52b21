"""Lines of the journal read again: the observations that they hold, for another look."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import fields, frozen

from vcycle.core import drains
from vcycle.core.backoff import History
from vcycle.core.config.model import Space
from vcycle.core.digest import Digest
from vcycle.core.journal import HIDDEN, MOMENTS, PLAIN, REPORT, VERSION
from vcycle.core.machine import (
    Condition,
    Doom,
    Ending,
    Limits,
    Mark,
    Model,
    Outcome,
    Record,
    Sighting,
    Survey,
    Traces,
    Traits,
)
from vcycle.core.observation import Budget, Host, Observation, Use
from vcycle.core.outlook import Abort, Outlook
from vcycle.core.peers import PeerReport, Peers
from vcycle.core.supervision import Deadlines


@frozen(kw_only=True)
class Entry:
    """
    One line that was read: of which space, when, and what was decided.

    ``machinetypes`` are those that were configured then.
    """

    space: str
    at: float
    machinetypes: frozenset[str]
    digest: Digest
    _data: Mapping[str, Any]

    def observation(self, space: Space) -> Observation:
        """
        What was seen, as it would have been seen with this configuration of the space.

        :raises ValueError: the line does not hold what it should.
        """
        try:
            return _observation(self._data, space)
        except (KeyError, TypeError, IndexError, AttributeError, OverflowError) as error:
            raise ValueError(f"no observation: {type(error).__name__}: {error}") from None


def decode(line: bytes) -> Entry:
    """:raises ValueError: no line of this version; the text says what is wrong."""
    try:
        data = json.loads(line)
        if not isinstance(data, dict) or data.get("version") != VERSION:
            raise ValueError(f"no line of version {VERSION}")
        return Entry(
            space=str(data["space"]),
            at=float(data["now"]),
            machinetypes=frozenset(data["machinetypes"]),
            digest=Digest.of(data["plan"]),
            data=data,
        )
    except (KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"no line of the journal: {type(error).__name__}: {error}") from None


def _observation(data: Mapping[str, Any], space: Space) -> Observation:
    rows = data["machines"]
    records = tuple(_record(row, data, space) for row in rows)
    survey = data["survey"]
    peers = data["peers"]
    return Observation(
        now=data["now"],
        space=space,
        owner=data["owner"],
        records=records,
        traces={row[0][0]: Traces(**_named(Traces, row[4])) for row in rows if row[4] is not None},
        survey=None if survey is None else _surveyed(survey, rows, records, data["owner"]),
        traits=Traits(**_named(Traits, data["traits"])),
        histories={name: _history(value) for name, value in data["histories"].items()},
        host=Host(**_named(Host, data["host"])),
        budget=Budget(**_named(Budget, data["budget"])),
        ready=dict(data["ready"]),
        served_since=data["served_since"],
        seed=data["seed"],
        others=Use(**_named(Use, data["others"])),
        peers=Peers(
            reports=tuple(PeerReport(**dict(zip(REPORT, r))) for r in peers["reports"]),
            asked_at=peers["asked_at"],
        ),
        problems=tuple(data["problems"]),
        held=data["held"],
        steps=tuple(data["steps"]),
        drains=drains.decode(data["drains"]),
        asked={uuid: _doomed(doom) for uuid, doom in data["asked"].items()},
        deadlines=Deadlines(**_named(Deadlines, data["deadlines"])),
    )


def _named(cls: Any, values: Any) -> dict[str, Any]:
    return dict(zip((field.name for field in fields(cls)), values))


def _record(row: Any, data: Mapping[str, Any], space: Space) -> Record:
    plain, moments, limits, _, _, rest = row
    doom, outcome, message, abort, clock = rest or (None, None, None, False, 0)
    return Record(
        **dict(zip(PLAIN, plain)),
        **dict(zip(MOMENTS, moments)),
        limits=Limits(**_named(Limits, limits)),
        space=data["space"],
        factory=space.factory_name,
        model=Model.VM_RAW,
        secret=HIDDEN,
        born=int(moments[0]),
        doom=None if doom is None else _doomed(doom),
        outcome=None if outcome is None else Outcome(outcome),
        message=message,
        abort=abort,
        clock=clock,
    )


def _doomed(value: Any) -> Doom:
    return Doom(outcome=Outcome(value[0]), text=value[1], since=value[2])


def _surveyed(survey: Any, rows: Any, records: tuple[Record, ...], owner: str) -> Survey:
    own = [
        Sighting(
            uuid=record.uuid,
            name=record.name,
            condition=Condition(row[3]),
            mark=Mark(
                owner=owner, space=record.space, uuid=record.uuid, name=record.name, facts=""
            ),
            processors=record.processors,
            memory_mb=record.memory_mb,
        )
        for row, record in zip(rows, records)
        if row[3] is not None
    ]
    return Survey(
        taken_at=survey["taken_at"],
        complete=survey["complete"],
        sightings=(*own, *map(_stranger, survey["strangers"])),
        absent=frozenset(survey["absent"]),
        endings={uuid: Ending(at=at, how=how) for uuid, (at, how) in survey["endings"].items()},
        problem=survey["problem"],
    )


def _stranger(row: Any) -> Sighting:
    uuid, name, condition, processors, memory_mb, mark, facts = row
    return Sighting(
        uuid=uuid,
        name=name,
        condition=Condition(condition),
        processors=processors,
        memory_mb=memory_mb,
        mark=None
        if mark is None
        else Mark(owner=mark[0], space=mark[1], uuid=mark[2], name=mark[3], facts=facts or ""),
    )


def _history(value: Any) -> History:
    outlook = value["outlook"]
    abort = outlook["abort"]
    known = Outlook(**{**outlook, "abort": None if abort is None else Abort(**abort)})
    return History(**{**value, "outlook": known})
