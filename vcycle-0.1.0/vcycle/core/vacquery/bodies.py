"""A factory's answers, made once for each snapshot: what changes with each query is added later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import asdict, frozen

from vcycle.core.addresses import slot_name
from vcycle.core.backoff import History
from vcycle.core.config.model import Machinetype, Space
from vcycle.core.ending import ABORT_CODE
from vcycle.core.machine import Outcome, Record, State, Traces
from vcycle.core.messages import code
from vcycle.core.observation import Reviewed
from vcycle.core.snapshot import Snapshot
from vcycle.core.vacquery.encode import tail, version_of
from vcycle.core.vacquery.facts import FactoryFacts
from vcycle.core.vacquery.messages import (
    MAX_COUNT,
    UNSOLICITED,
    FactoryStatus,
    Kind,
    MachineStatus,
    MachinetypeStatus,
)

PROGRAM = "vcycled"
UNUSED = "Shut down"
WORDS: Mapping[State, str] = {
    State.REQUESTED: "Starting",
    State.STARTING: "Starting",
    State.RUNNING: "Running",
    State.DRAINING: "Running",
    State.MISSING: "Unknown",
    State.DOOMED: "Deleting",
    State.ENDED: UNUSED,
}
"""Our states in the family's words."""

_SILENT = Traces()


@frozen(kw_only=True)
class Bodies:
    """One space's answers without their heads, by what is asked for."""

    machines: tuple[bytes, ...] = ()
    machinetypes: tuple[bytes, ...] = ()
    factory: tuple[bytes, ...] = ()

    def of(self, kind: Kind) -> tuple[bytes, ...]:
        if kind is Kind.MACHINES:
            return self.machines
        return self.machinetypes if kind is Kind.MACHINETYPES else self.factory


def bodies(snapshot: Snapshot, facts: FactoryFacts) -> Bodies:
    """All answers of a space."""
    return Bodies(
        machines=tuple(tail(each) for each in machine_statuses(snapshot)),
        machinetypes=tuple(tail(each) for each in machinetype_statuses(snapshot)),
        factory=(tail(factory_status(snapshot, facts)),),
    )


def slots(snapshot: Snapshot) -> int | None:
    """How many slots the factory has; None where there are no more than machines."""
    limits = (snapshot.space.total_machines, snapshot.processors_limit)
    known = [limit for limit in limits if limit is not None]
    return min(*known, MAX_COUNT) if known else None


def machine_statuses(snapshot: Snapshot) -> Iterator[MachineStatus]:
    """Each slot: the machine in it, else the last one that was, else nothing but its name."""
    space, count = snapshot.space, slots(snapshot)
    found: dict[str, Reviewed] = {each.record.name: each for each in snapshot.machines}
    if count is not None:
        names = [slot_name(space.factory_name, slot) for slot in range(count)]
        wanted = set(names)
        for record in snapshot.over:
            if record.name in wanted:
                found.setdefault(record.name, Reviewed(record=record, state=State.ENDED))
        names += [name for name in found if name not in wanted]
    else:
        names = list(found)
    for name in names[:MAX_COUNT]:
        reviewed = found.get(name)
        if reviewed is None:
            yield _unused(space, name, min(len(names), MAX_COUNT))
        else:
            traces = snapshot.traces.get(reviewed.record.uuid, _SILENT)
            yield machine_status(space, reviewed, traces, min(len(names), MAX_COUNT))


def machine_status(
    space: Space, reviewed: Reviewed, traces: Traces, num_machines: int
) -> MachineStatus:
    """One machine as others are told of it, whether it lives or has ended."""
    record, state = reviewed.record, reviewed.state
    message = record.message or traces.message
    ended = traces.message_at if record.ended_at is None else record.ended_at
    return MachineStatus(
        **_shared(space),
        num_machines=num_machines,
        machine=record.name,
        state=_word(record, state),
        machine_model=record.model.value,
        uuid=record.uuid,
        created_time=int(record.requested_at),
        started_time=_whole(record.started_at),
        heartbeat_time=_whole(record.seen_at),
        num_processors=record.processors,
        cpu_seconds=int(record.cpu_seconds),
        cpu_percentage=record.cpu_percentage,
        hs06=record.hs06,
        machinetype=record.machinetype,
        shutdown_message=message,
        shutdown_time=None if message is None else _whole(ended),
        fqan=record.accounting_fqan,
    )


def machinetype_statuses(snapshot: Snapshot) -> Iterator[MachinetypeStatus]:
    """Each configured machinetype, with its most recent abort."""
    machines: dict[str, list[Reviewed]] = {name: [] for name in snapshot.space.machinetypes}
    for reviewed in snapshot.machines:
        machines.setdefault(reviewed.record.machinetype, []).append(reviewed)
    for name, machinetype in snapshot.space.machinetypes.items():
        history = snapshot.histories.get(name, History())
        yield _machinetype_status(snapshot, machinetype, machines[name], history)


def _machinetype_status(
    snapshot: Snapshot, machinetype: Machinetype, machines: Iterable[Reviewed], history: History
) -> MachinetypeStatus:
    records = [reviewed.record for reviewed in machines]
    young = sum(
        each.started_at is None or snapshot.taken_at - each.started_at < machinetype.fizzle_seconds
        for each in records
    )
    aborted = history.last_abort is not None
    return MachinetypeStatus(
        **_shared(snapshot.space),
        num_machinetypes=len(snapshot.space.machinetypes),
        machinetype=machinetype.name,
        running_hs06=sum(record.hs06 for record in records),
        num_before_fizzle=young,
        running_machines=len(records),
        running_processors=sum(record.processors for record in records),
        shutdown_message=abort_text(history.abort_message) if aborted else None,
        shutdown_time=_whole(history.last_abort),
        shutdown_machine=history.abort_machine if aborted else None,
        bytes_per_processor=snapshot.space.mb_per_processor << 20,
        max_wallclock_seconds=machinetype.max_wallclock_seconds,
        max_processors=machinetype.max_processors,
        fqan=machinetype.accounting_fqan,
    )


def abort_text(message: str | None) -> str:
    """An abort's message with a code by which others know it as one."""
    said = None if message is None else code(message)
    if said is not None and said >= ABORT_CODE and message is not None:
        return message
    return f"{ABORT_CODE} {message or 'Ended without a message'}"


def factory_status(snapshot: Snapshot, facts: FactoryFacts) -> FactoryStatus:
    """The factory as one space sees it, and its host."""
    running = [r.record for r in snapshot.machines if r.state in (State.RUNNING, State.DRAINING)]
    limit = snapshot.processors_limit
    processors = facts.processors if limit is None else limit
    host = asdict(facts)
    del host["processors"]
    return FactoryStatus(
        **_shared(snapshot.space),
        running_processors=sum(record.processors for record in running),
        running_machines=len(running),
        running_hs06=sum(record.hs06 for record in running),
        max_processors=processors,
        max_machines=slots(snapshot) or processors,
        max_hs06=processors * (snapshot.space.hs06_per_processor or 1.0),
        **host,
    )


def _shared(space: Space) -> dict[str, Any]:
    return {
        "cookie": UNSOLICITED,
        "space": space.name,
        "factory": space.factory_name,
        "daemon_version": version_of(PROGRAM),
        "site": space.site,
    }


def _unused(space: Space, name: str, num_machines: int) -> MachineStatus:
    return MachineStatus(
        **_shared(space),
        num_machines=num_machines,
        machine=name,
        state=UNUSED,
        num_processors=0,
        cpu_seconds=0,
        cpu_percentage=0.0,
        hs06=0.0,
    )


def _word(record: Record, state: State) -> str:
    if state is State.DOOMED and record.doom is not None and record.doom.outcome is Outcome.PAUSED:
        return "Paused"
    return WORDS[state]


def _whole(moment: float | None) -> int | None:
    return None if moment is None else int(moment)
