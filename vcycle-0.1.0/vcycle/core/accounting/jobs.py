"""The job record of one machine: whether it is owed, what is in it, and reading it again."""

from __future__ import annotations

import math
import re

from attrs import frozen

from vcycle.core.accounting.messages import (
    JOB,
    JOB_VERSION,
    MAX_VALUE,
    NOTHING,
    clean,
    read,
    write,
)
from vcycle.core.accounting.places import distinguished_name, submit_host
from vcycle.core.machine import Record

INFRASTRUCTURE = "APEL-VCYCLE"
KIB_OF_MIB = 1024
MOST = (1 << 32) - 1
"""What an unsigned column of APEL's database holds."""

MOST_LEVEL = 9_999_999.999
LEAST_LEVEL = 0.001
UNKNOWN_LEVEL = 1.0
LATEST = 10**11
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WHOLE = re.compile(r"[0-9]{1,12}")


@frozen(kw_only=True)
class Job:
    """What is read of a job record; ``end`` is in Unix seconds."""

    uuid: str
    end: int
    site: str
    submit_host: str
    text: str


def counts(record: Record) -> bool:
    """Is a job record owed for this machine? By what it was promised, not by what is now."""
    if record.started_at is None or record.ended_at is None:
        return False
    return record.ended_at - record.started_at >= record.limits.fizzle_seconds


def job_text(record: Record) -> str:
    """
    The job record of a machine that ``counts``.

    Times are whole seconds, memory is in KiB, processor time is over all processors and at most
    what they could have used in that time: a hypervisor counts its own work in with it.
    """
    if record.started_at is None or record.ended_at is None:
        raise ValueError(f"{record.name} has not run, or runs still")
    start = _whole(record.started_at, LATEST)
    end = max(start, _whole(record.ended_at, LATEST))
    wall = min(end - start, MOST)
    cpu = min(_whole(round(record.cpu_seconds), MOST), wall * record.processors, MOST)
    memory = min(record.memory_mb * KIB_OF_MIB, MOST) or None
    kind, level = service_level(record)
    fields: list[tuple[str, object]] = [
        ("Site", _site(record)),
        ("SubmitHost", submit_host(record.space, record.factory)),
        ("LocalJobId", record.uuid),
        ("LocalUserId", record.factory),
        ("Queue", record.machinetype),
        ("GlobalUserName", distinguished_name(record.space)),
        ("FQAN", record.accounting_fqan),
        ("WallDuration", wall),
        ("CpuDuration", cpu),
        ("Processors", record.processors),
        ("NodeCount", 1),
        ("InfrastructureDescription", INFRASTRUCTURE),
        ("InfrastructureType", "grid"),
        ("StartTime", start),
        ("EndTime", end),
        ("MemoryReal", memory),
        ("MemoryVirtual", memory),
        ("ServiceLevelType", kind),
        ("ServiceLevel", level),
    ]
    return write(JOB, JOB_VERSION, fields)


def service_level(record: Record) -> tuple[str, str]:
    """The benchmark and its value for one processor; HEPscore23 is preferred, as by APEL."""
    if record.hepscore23_per_processor:
        return "HEPscore23", _level(record.hepscore23_per_processor)
    return "HEPSPEC", _level(record.hs06_per_processor or UNKNOWN_LEVEL)


def read_job(text: str) -> Job:
    """
    A job record as ``job_text`` wrote it.

    :raises ValueError: it is something else; the text says what is wrong.
    """
    message = read(text)
    fields = message.fields
    if message.kind != JOB:
        raise ValueError("it is not a job record")
    uuid, end = fields.get("LocalJobId", ""), fields.get("EndTime", "")
    if not _UUID.fullmatch(uuid):
        raise ValueError("its LocalJobId is no uuid")
    if not _WHOLE.fullmatch(end) or int(end) > LATEST:
        raise ValueError("its EndTime is no Unix time")
    site = fields.get("Site", "")
    if site.lower() in NOTHING:
        raise ValueError("it has no Site")
    return Job(
        uuid=uuid, end=int(end), site=site, submit_host=fields.get("SubmitHost", ""), text=text
    )


def resited(job: Job, site: str) -> Job:
    """
    The same record under another site's name.

    :raises ValueError: that is no name of a site.
    """
    name = clean(site)
    if name != site or name.lower() in NOTHING or len(name) > MAX_VALUE:
        raise ValueError(f"{site!r}: expected the name of a site as GOCDB has it")
    lines = [f"Site: {name}" if x.startswith("Site:") else x for x in job.text.split("\n")]
    return read_job("\n".join(lines))


def _site(record: Record) -> str:
    """Never nothing: the space's name without its first label where no site is known."""
    site = clean(record.site or "")
    placeholder = record.space.partition(".")[2] or record.space
    return placeholder if site.lower() in NOTHING else site


def _whole(seconds: float, most: int) -> int:
    return min(max(0, math.floor(seconds)), most)


def _level(value: float) -> str:
    bounded = min(max(value, LEAST_LEVEL), MOST_LEVEL)
    digits = f"{bounded:.3f}".rstrip("0")
    return digits + "0" if digits.endswith(".") else digits
