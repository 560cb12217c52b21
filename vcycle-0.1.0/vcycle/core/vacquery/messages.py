"""The messages of VacQuery as values, under the modern names of their fields."""

from __future__ import annotations

import enum
from typing import Union

from attrs import frozen

VACQUERY_VERSION = "VacQuery 01.03"
"""The version that we speak; what we send can be read by all since 0.2."""

UNSOLICITED = "0"
"""The cookie of a message that answers no query."""

MAX_SENT = 1472
"""Bytes of one datagram that we send: what fits an Ethernet frame."""

MAX_QUERY = 1024
"""Bytes of a query; no responder of the family reads more."""

MAX_ANSWER = 10240
"""Bytes of an answer; no client of the family reads more."""

MAX_COUNT = 100_000
"""The most machines or machinetypes that one factory can announce."""

Cookie = Union[str, int, float, bool, None]
"""What an asker chose and gets back as it was: text in practice."""


class Kind(enum.Enum):
    """What a query asks for, and so what the answers tell."""

    MACHINES = "machines"
    MACHINETYPES = "machinetypes"
    FACTORY = "factory"


@frozen(kw_only=True)
class Query:
    """
    One question to one factory.

    The answers are a MachineStatus per slot, a MachinetypeStatus per machinetype, or one
    FactoryStatus; each echoes ``cookie``.
    """

    kind: Kind
    space: str
    cookie: Cookie


@frozen(kw_only=True)
class Status:
    """
    What all answers have in common.

    ``factory`` is the sender's name for itself, in its own case. ``time_sent`` is in Unix
    seconds by the sender's clock: all other times of the message are by that clock too.
    """

    cookie: Cookie
    space: str
    factory: str
    time_sent: int | None = None
    daemon_version: str | None = None
    vacquery_version: str | None = None
    site: str | None = None


@frozen(kw_only=True)
class MachineStatus(Status):
    """
    One of a factory's slots, and the machine that is or was last in it.

    ``state`` is a word of the family ("Running", "Starting", "Shut down", …); ``machinetype``
    and all that follows from it is None for a slot never used. ``cpu_seconds`` is over all
    processors, ``cpu_percentage`` recent and above 100 for several processors, ``hs06`` of
    the whole machine. ``heartbeat_time`` is when its factory last saw it alive.
    """

    num_machines: int
    machine: str
    state: str
    machine_model: str | None = None
    uuid: str | None = None
    created_time: int | None = None
    started_time: int | None = None
    heartbeat_time: int | None = None
    num_processors: int | None = None
    cpu_seconds: int | None = None
    cpu_percentage: float | None = None
    hs06: float | None = None
    machinetype: str | None = None
    shutdown_message: str | None = None
    shutdown_time: int | None = None
    fqan: str | None = None


@frozen(kw_only=True)
class MachinetypeStatus(Status):
    """
    What a factory runs of one machinetype, and how such a machine last ended there.

    ``num_machinetypes`` is how many such answers the factory gives. ``running_*`` count the
    starting machines too. ``num_before_fizzle`` counts those that are starting or younger
    than fizzle_seconds. From a Vcycle factory ``shutdown_*`` tell of the most recent abort;
    older ones tell of the last machine made, however it ended.
    """

    num_machinetypes: int
    machinetype: str
    running_hs06: float
    num_before_fizzle: int
    running_machines: int | None = None
    running_processors: float | None = None
    shutdown_message: str | None = None
    shutdown_time: int | None = None
    shutdown_machine: str | None = None
    bytes_per_processor: int | None = None
    max_wallclock_seconds: int | None = None
    max_processors: int | None = None
    fqan: str | None = None


@frozen(kw_only=True)
class FactoryStatus(Status):
    """
    A factory and its host.

    ``*_kb`` are in KiB, ``load_average`` is over 15 minutes, ``*_time`` are Unix seconds, 0
    where nothing is known; memory used includes the page cache.
    """

    running_processors: int | None = None
    running_machines: int | None = None
    running_hs06: float | None = None
    max_processors: int | None = None
    max_machines: int | None = None
    max_hs06: float | None = None
    root_disk_avail_kb: int | None = None
    root_disk_avail_inodes: int | None = None
    daemon_disk_avail_kb: int | None = None
    daemon_disk_avail_inodes: int | None = None
    load_average: float | None = None
    kernel_version: str | None = None
    os_issue: str | None = None
    boot_time: int | None = None
    factory_heartbeat_time: int | None = None
    responder_heartbeat_time: int | None = None
    mjf_heartbeat_time: int | None = None
    metadata_heartbeat_time: int | None = None
    swap_used_kb: int | None = None
    swap_free_kb: int | None = None
    mem_used_kb: int | None = None
    mem_total_kb: int | None = None


Answer = Union[MachineStatus, MachinetypeStatus, FactoryStatus]


def age(message_time: int, time_sent: int | None, *, now: float) -> float:
    """
    How many seconds before its sending a message's time lay; never negative.

    Both times are by the sender's clock, so that no difference of clocks enters. A sender
    that did not say when it sent is taken to share our clock, ``now``.
    """
    return max((now if time_sent is None else time_sent) - message_time, 0.0)


def expected(answer: Answer) -> int:
    """How many answers to one query its factory announces."""
    if isinstance(answer, MachineStatus):
        return answer.num_machines
    if isinstance(answer, MachinetypeStatus):
        return answer.num_machinetypes
    return 1
