"""
From messages to datagrams that every version since 0.2 can read.

An answer is its *head*, cookie and time, and its *tail*, all the rest, which stays the same
for all who ask.
"""

from __future__ import annotations

import json
from typing import Any

from vcycle import __version__
from vcycle.core.errors import MalformedQuery
from vcycle.core.vacquery import wire
from vcycle.core.vacquery.decode import ANSWERS, QUERIES
from vcycle.core.vacquery.messages import (
    MAX_SENT,
    VACQUERY_VERSION,
    Answer,
    Cookie,
    FactoryStatus,
    Kind,
    MachineStatus,
    Query,
    Status,
)

MAX_SIGNATURE = 104
"""Bytes kept free in each datagram for a signature."""

MAX_HEAD = len('{"cookie":,"time_sent":,') + wire.MAX_COOKIE + 10
MAX_TAIL = MAX_SENT - MAX_HEAD - MAX_SIGNATURE
LEAST_MESSAGE = 20
"""Bytes that stay of a message if there is too little room for all: its code is in them."""

DISPENSABLE = (
    ("shutdown_machine", None),
    *(
        (key, ...)
        for key in (
            *("site", "fqan", "max_processors", "max_wallclock_seconds", "bytes_per_processor"),
            *("vacquery_version", "vac_version", "daemon_version", "machine_model", "os_issue"),
            *("kernel_version", "swap_used_kb", "swap_free_kb", "vac_disk_avail_inodes"),
            *("mjf_heartbeat_time", "metadata_heartbeat_time", "max_cpus", "max_hs06"),
        )
    ),
    ("uuid", None),
)
"""What an answer does without where names are very long, in this order: null, or not there."""


def encode_query(query: Query, client: str = "vcycled") -> bytes:
    """A query with both selectors; ``client`` is the program that asks."""
    message_type, method = QUERIES[query.kind]
    return _json(
        {
            "vac_version": version_of(client),
            "vacquery_version": VACQUERY_VERSION,
            "space": query.space,
            "cookie": query.cookie,
            "message_type": message_type,
            "method": method,
        }
    )


def encode_answer(answer: Answer) -> bytes:
    """One datagram, of at most MAX_SENT bytes with a signature, for names that are legal."""
    return head(cookie_json(answer.cookie), answer.time_sent) + tail(answer)


def cookie_json(cookie: Cookie) -> bytes:
    """A cookie as it stands in an answer."""
    return _json(cookie)


def head(cookie: bytes, time_sent: int | None) -> bytes:
    """How an answer begins, with its cookie as JSON: what is new in each."""
    if time_sent is None:
        return b'{"cookie":%b,' % cookie
    return b'{"cookie":%b,"time_sent":%d,' % (cookie, time_sent)


def tail(answer: Answer) -> bytes:
    """
    How an answer goes on after its head, to its end.

    :raises MalformedQuery: names in it are longer than any may be.
    """
    message = {key: value for key, value in _message(answer).items() if value is not ...}
    encoded = _json(message)
    if len(encoded) - 1 > MAX_TAIL:
        encoded = _fitted(message)
    return encoded[1:]


def version_of(program: str) -> str:
    """The version in the family's form; receivers know us by its first two words."""
    return f"Vcycle {__version__} {program}"


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode(
        "ascii"
    )


def _fitted(message: dict[str, Any]) -> bytes:
    """The message first gives way; where names are very long, what can be spared."""
    said = message.get("shutdown_message")
    if said is not None:
        excess = len(_json(message)) - 1 - MAX_TAIL
        length = len(_json(said))
        while excess > 0 and length > LEAST_MESSAGE:
            last = len(_json(said[-1])) - 2
            excess, length, said = excess - last, length - last, said[:-1]
        message["shutdown_message"] = said.rstrip()
    for key, value in DISPENSABLE:
        encoded = _json(message)
        if len(encoded) - 1 <= MAX_TAIL:
            return encoded
        if key in message:
            message[key] = value
        message = {each: found for each, found in message.items() if found is not ...}
    encoded = _json(message)
    if len(encoded) - 1 > MAX_TAIL:
        raise MalformedQuery(f"{len(encoded)} bytes: names in it are too long for an answer")
    return encoded


def _message(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, MachineStatus):
        return _machine(answer)
    if isinstance(answer, FactoryStatus):
        return _factory(answer)
    hs06 = _hundredths(answer.running_hs06)
    processors = _or_missing(_hundredths(answer.running_processors))
    machines = _or_missing(answer.running_machines)
    return {
        **_shared(Kind.MACHINETYPES, answer),
        "num_machinetypes": answer.num_machinetypes,
        "machinetype": answer.machinetype,
        "running_hs06": hs06,
        "total_hs06": hs06,
        "running_machines": machines,
        "total_machines": machines,
        "running_cpus": processors,
        "running_processors": processors,
        "num_before_fizzle": answer.num_before_fizzle,
        "shutdown_message": _text(answer.shutdown_message),
        "shutdown_time": answer.shutdown_time,
        "shutdown_machine": answer.shutdown_machine,
        "fqan": _or_missing(answer.fqan),
        "bytes_per_processor": _or_missing(answer.bytes_per_processor),
        "max_wallclock_seconds": _or_missing(answer.max_wallclock_seconds),
        "max_processors": _or_missing(answer.max_processors),
    }


def _shared(kind: Kind, answer: Status) -> dict[str, Any]:
    message_type, method = ANSWERS[kind]
    version = _text(answer.daemon_version) or version_of("vcycled")
    return {
        "message_type": message_type,
        "method": method,
        "vac_version": version,
        "daemon_version": version,
        "vacquery_version": VACQUERY_VERSION,
        "space": answer.space,
        "factory": answer.factory,
        "site": _or_missing(answer.site),
    }


def _machine(answer: MachineStatus) -> dict[str, Any]:
    return {
        **_shared(Kind.MACHINES, answer),
        "num_machines": answer.num_machines,
        "machine": answer.machine,
        "state": answer.state,
        "machine_model": answer.machine_model,
        "uuid": answer.uuid,
        "created_time": answer.created_time,
        "started_time": answer.started_time,
        "heartbeat_time": answer.heartbeat_time,
        "num_cpus": answer.num_processors,
        "num_processors": answer.num_processors,
        "cpu_seconds": answer.cpu_seconds,
        "cpu_percentage": _hundredths(answer.cpu_percentage),
        "hs06": _hundredths(answer.hs06),
        "machinetype": answer.machinetype,
        "shutdown_message": _text(answer.shutdown_message),
        "shutdown_time": answer.shutdown_time,
        "fqan": _or_missing(answer.fqan),
    }


def _factory(answer: FactoryStatus) -> dict[str, Any]:
    running_hs06, max_hs06 = _hundredths(answer.running_hs06), _hundredths(answer.max_hs06)
    return {
        **_shared(Kind.FACTORY, answer),
        "running_cpus": answer.running_processors,
        "running_processors": answer.running_processors,
        "running_machines": answer.running_machines,
        "running_hs06": running_hs06,
        "max_cpus": answer.max_processors,
        "max_processors": answer.max_processors,
        "max_machines": answer.max_machines,
        "max_hs06": max_hs06,
        "total_cpus": answer.max_processors,
        "total_machines": answer.max_machines,
        "total_hs06": max_hs06,
        "root_disk_avail_kb": answer.root_disk_avail_kb,
        "root_disk_avail_inodes": answer.root_disk_avail_inodes,
        "vac_disk_avail_kb": answer.daemon_disk_avail_kb,
        "daemon_disk_avail_kb": answer.daemon_disk_avail_kb,
        "vac_disk_avail_inodes": answer.daemon_disk_avail_inodes,
        "daemon_disk_avail_inodes": answer.daemon_disk_avail_inodes,
        "load_average": _hundredths(answer.load_average),
        "kernel_version": _text(answer.kernel_version),
        "os_issue": _text(answer.os_issue),
        "boot_time": answer.boot_time,
        "factory_heartbeat_time": answer.factory_heartbeat_time,
        "responder_heartbeat_time": answer.responder_heartbeat_time,
        "mjf_heartbeat_time": answer.mjf_heartbeat_time,
        "metadata_heartbeat_time": answer.metadata_heartbeat_time,
        "swap_used_kb": answer.swap_used_kb,
        "swap_free_kb": answer.swap_free_kb,
        "mem_used_kb": answer.mem_used_kb,
        "mem_total_kb": answer.mem_total_kb,
    }


def _or_missing(value: Any) -> Any:
    """Receivers of the family fail on an empty or absent value of these: then there is no key."""
    return ... if value is None or value == "" else value


def _text(value: str | None) -> str | None:
    return None if value is None else wire.printable(value)


def _hundredths(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
