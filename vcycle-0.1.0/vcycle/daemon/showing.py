"""One machine, all that is known of it: its times, its words, the end of its console."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from vcycle.core.errors import VcycleError
from vcycle.core.machine import Record, Traces
from vcycle.core.supervision import remembered
from vcycle.daemon.foresight import cycle_of
from vcycle.daemon.space import SpaceRunner

CONSOLE = "console.log"
TAIL_BYTES = 16_384
TAIL_LINES = 40
LINE_LENGTH = 500
CANDIDATES = 5
"""Machines that are named where a name fits several, or none."""


def find(runners: Iterable[SpaceRunner], name: str) -> tuple[SpaceRunner, Record]:
    """
    A machine by its name, the name's first label, or its uuid; one that lives before one that
    is over.

    :raises VcycleError: there is none, or there are several; the text says which.
    """
    living: list[tuple[SpaceRunner, Record]] = []
    over: list[tuple[SpaceRunner, Record]] = []
    for runner in runners:
        knowledge = cycle_of(runner).knowledge
        living += [(runner, record) for record in knowledge.records.values()]
        over += [(runner, record) for record in knowledge.over.values()]
    for some in (living, over):
        found = [pair for pair in some if name in _names(pair[1])]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(record.uuid for _, record in found[:CANDIDATES])
            raise VcycleError(f"{name!r} may be each of {names}: give one of these")
    raise VcycleError(f"{name!r}: no such machine here; vcycle status names those there are")


def _names(record: Record) -> tuple[str, str, str]:
    return record.name, record.name.partition(".")[0], record.uuid


async def shown(runner: SpaceRunner, record: Record) -> Mapping[str, Any]:
    """A machine as a JSON object; its console is text of the machine's own, escaped."""
    cycle = cycle_of(runner)
    traces = cycle.knowledge.traces.get(record.uuid, Traces())
    path = cycle.store.path(record, CONSOLE)
    return {
        "machine": record.name,
        "uuid": record.uuid,
        "space": record.space,
        "machinetype": record.machinetype,
        "state": _state(cycle.knowledge.records, record, traces),
        "processors": record.processors,
        "memory_mb": record.memory_mb,
        "address": record.address,
        "image": record.image,
        "cpu_seconds": round(record.cpu_seconds, 3),
        "message": record.message or traces.message,
        "outcome": None if record.outcome is None else record.outcome.value,
        "abort": record.abort,
        "shutdown_time": record.shutdown_time,
        "directory": cycle.store.path(record, "").rstrip("/"),
        "timeline": sorted(_timeline(record, traces), key=lambda moment: moment["at"]),
        "console": await cycle.in_thread(lambda: tail(path)),
    }


def _state(living: Mapping[str, Record], record: Record, traces: Traces) -> str:
    if record.uuid not in living:
        return "ended"
    state: str = remembered(record, traces).value
    return state


def _timeline(record: Record, traces: Traces) -> Iterator[dict[str, Any]]:
    told = (
        (record.requested_at, "requested"),
        (record.started_at, "first seen running"),
        (record.seen_at, "last seen by the provider"),
        (traces.heartbeat_at, "last heartbeat"),
        (traces.message_at, "last message"),
        (record.missing_since, "missing since"),
        (record.ended_at, "ended"),
    )
    for at, what in told:
        if at is not None:
            yield {"at": at, "what": what}
    if record.doom is not None:
        yield {"at": record.doom.since, "what": f"to be destroyed: {record.doom.text}"}


def tail(path: str) -> list[str]:
    """The last lines of a console, bounded, all that could steer a terminal replaced. Blocks."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return []
        body = os.pread(descriptor, TAIL_BYTES, max(0, status.st_size - TAIL_BYTES))
    except OSError as error:
        return [f"({error.strerror})"]
    finally:
        os.close(descriptor)
    text = body.decode("utf-8", "replace")
    lines = [_escaped(line) for line in text.replace("\r\n", "\n").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines[-TAIL_LINES:]


def _escaped(line: str) -> str:
    clean = "".join(c if c.isprintable() else " " if c == "\t" else "?" for c in line)
    return clean[:LINE_LENGTH]
