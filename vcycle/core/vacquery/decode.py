"""From datagrams to messages: all versions from 0.2 to 01.03, nothing else."""

from __future__ import annotations

import functools
from typing import Any

from vcycle.core.errors import MalformedQuery
from vcycle.core.vacquery import wire
from vcycle.core.vacquery.messages import (
    MAX_ANSWER,
    MAX_COUNT,
    MAX_QUERY,
    Answer,
    FactoryStatus,
    Kind,
    MachineStatus,
    MachinetypeStatus,
    Query,
)

QUERIES = {
    Kind.MACHINES: ("machines_query", "machines"),
    Kind.MACHINETYPES: ("machinetypes_query", "machinetypes"),
    Kind.FACTORY: ("factory_query", "factories"),
}
"""The ``message_type`` and the older ``method`` of each query; where they differ the first wins."""

ANSWERS = {
    Kind.MACHINES: ("machine_status", "machine"),
    Kind.MACHINETYPES: ("machinetype_status", "machinetype"),
    Kind.FACTORY: ("factory_status", "factory"),
}
"""The same of the answers."""

_QUERIES = [(kind, *words) for kind, words in QUERIES.items()]
_ANSWERS = [(kind, *words) for kind, words in ANSWERS.items()]
_count = functools.partial(wire.whole, most=MAX_COUNT)


def decode_query(datagram: bytes) -> Query:
    """:raises MalformedQuery: it is no query that we understand; the text names what is wrong."""
    message = wire.object_of(datagram, MAX_QUERY)
    return Query(
        kind=_kind(message, _QUERIES),
        space=wire.name(message, "space"),
        cookie=wire.cookie(message),
    )


def decode_answer(datagram: bytes) -> Answer:
    """
    An answer, or a message that nobody asked for.

    Texts are made printable. Every other value is as its type says, or the message is refused.

    :raises MalformedQuery: it is none that we understand; the text names field and value.
    """
    message = wire.object_of(datagram, MAX_ANSWER)
    kind = _kind(message, _ANSWERS)
    if kind is Kind.MACHINES:
        return _machine(message)
    if kind is Kind.MACHINETYPES:
        return _machinetype(message)
    return _factory(message)


def _kind(message: wire.Message, words: list[tuple[Kind, str, str]]) -> Kind:
    message_type, method = message.get("message_type"), message.get("method")
    for kind, modern, legacy in words:
        if message_type == modern or method == legacy:
            return kind
    raise wire.refusal(
        "message_type", message_type or method, " or ".join(modern for _, modern, _ in words)
    )


def _shared(message: wire.Message) -> dict[str, Any]:
    return {
        "cookie": wire.cookie(message),
        "space": wire.name(message, "space"),
        "factory": wire.name(message, "factory"),
        "time_sent": wire.moment(message, "time_sent"),
        "daemon_version": wire.text(message, ("daemon_version", "vac_version")),
        "vacquery_version": wire.text(message, "vacquery_version"),
        "site": wire.text(message, ("site", "gocdb_site")),
    }


def _machine(message: wire.Message) -> MachineStatus:
    return MachineStatus(
        **_shared(message),
        num_machines=wire.needed(_count, message, "num_machines"),
        machine=wire.name(message, "machine"),
        state=wire.needed(wire.text, message, "state"),
        machine_model=wire.text(message, "machine_model"),
        uuid=wire.text(message, "uuid"),
        created_time=wire.past(message, "created_time"),
        started_time=wire.past(message, "started_time"),
        heartbeat_time=wire.past(message, "heartbeat_time"),
        num_processors=_count(message, ("num_processors", "num_cpus")),
        cpu_seconds=wire.roughly(message, "cpu_seconds"),
        cpu_percentage=wire.number(message, "cpu_percentage"),
        hs06=wire.number(message, "hs06"),
        machinetype=wire.maybe_name(message, ("machinetype", "vmtype")),
        shutdown_message=wire.text(message, "shutdown_message"),
        shutdown_time=wire.past(message, "shutdown_time"),
        fqan=wire.text(message, "fqan"),
    )


def _machinetype(message: wire.Message) -> MachinetypeStatus:
    for key in ("shutdown_message", "shutdown_time", "shutdown_machine"):
        if key not in message:
            raise MalformedQuery(f"{key} is not there: it may be null, but not missing")
    return MachinetypeStatus(
        **_shared(message),
        num_machinetypes=wire.needed(_count, message, "num_machinetypes"),
        machinetype=wire.name(message, ("machinetype", "vmtype")),
        running_hs06=wire.needed(wire.number, message, ("running_hs06", "total_hs06")),
        num_before_fizzle=wire.needed(_count, message, "num_before_fizzle"),
        running_machines=_count(message, ("running_machines", "total_machines")),
        running_processors=wire.number(message, ("running_processors", "running_cpus")),
        shutdown_message=wire.text(message, "shutdown_message"),
        shutdown_time=wire.past(message, "shutdown_time"),
        shutdown_machine=wire.text(message, "shutdown_machine"),
        bytes_per_processor=wire.whole(message, "bytes_per_processor"),
        max_wallclock_seconds=wire.whole(message, "max_wallclock_seconds"),
        max_processors=wire.whole(message, "max_processors"),
        fqan=wire.text(message, "fqan"),
    )


def _factory(message: wire.Message) -> FactoryStatus:
    return FactoryStatus(
        **_shared(message),
        running_processors=wire.roughly(message, ("running_processors", "running_cpus")),
        running_machines=wire.whole(message, "running_machines"),
        running_hs06=wire.number(message, "running_hs06"),
        max_processors=wire.whole(message, ("max_processors", "max_cpus", "total_cpus")),
        max_machines=wire.whole(message, ("max_machines", "total_machines")),
        max_hs06=wire.number(message, ("max_hs06", "total_hs06")),
        root_disk_avail_kb=wire.whole(message, "root_disk_avail_kb"),
        root_disk_avail_inodes=wire.whole(message, "root_disk_avail_inodes"),
        daemon_disk_avail_kb=wire.whole(message, ("daemon_disk_avail_kb", "vac_disk_avail_kb")),
        daemon_disk_avail_inodes=wire.whole(
            message, ("daemon_disk_avail_inodes", "vac_disk_avail_inodes")
        ),
        load_average=wire.number(message, "load_average"),
        kernel_version=wire.text(message, "kernel_version"),
        os_issue=wire.text(message, "os_issue"),
        boot_time=wire.past(message, "boot_time"),
        factory_heartbeat_time=wire.past(message, "factory_heartbeat_time"),
        responder_heartbeat_time=wire.past(message, "responder_heartbeat_time"),
        mjf_heartbeat_time=wire.past(message, "mjf_heartbeat_time"),
        metadata_heartbeat_time=wire.past(message, "metadata_heartbeat_time"),
        swap_used_kb=wire.whole(message, "swap_used_kb"),
        swap_free_kb=wire.whole(message, "swap_free_kb"),
        mem_used_kb=wire.whole(message, "mem_used_kb"),
        mem_total_kb=wire.whole(message, "mem_total_kb"),
    )
