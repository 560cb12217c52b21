"""Machine and job features: what a machine may know of its limits."""

from __future__ import annotations

from collections.abc import Mapping

from vcycle.core.machine import Record

BYTES_PER_MB = 1048576
GRACE_SECONDS = 600
"""The shortest notice that a machine has of a shutdown time that is nearer than it was."""


def features(
    record: Record,
    options: Mapping[str, str],
    *,
    shutdown_time: float,
    grace_seconds: int = GRACE_SECONDS,
) -> tuple[dict[str, str], dict[str, str]]:
    """
    The machine's ``$MACHINEFEATURES`` and ``$JOBFEATURES``, key to value.

    The limits are those of its creation; ``shutdown_time`` (Unix seconds) is when it must be
    gone as things stand now, and never later than it was promised. ``grace_seconds`` is how
    long before a shortened shutdown time the machine is told of it at the least. ``options`` (the
    configuration's ``machinefeatures_option_``) come last: they are the administrator's word.
    Keys and units are those of HSF-TN-2016-02.
    """
    processors = str(record.processors)
    started = int(record.requested_at if record.started_at is None else record.started_at)
    ending = str(int(min(shutdown_time, record.shutdown_time)))
    wall = max(0, int(record.shutdown_time) - started)
    memory = record.memory_mb * BYTES_PER_MB
    grace = str(grace_seconds)
    machine = {
        "total_cpu": processors,
        "phys_cores": processors,
        "log_cores": processors,
        "jobslots": "1",
        "shutdowntime": ending,
        "grace_secs": grace,
    }
    job = {
        "allocated_cpu": processors,
        "allocated_CPU": processors,
        "shutdowntime_job": ending,
        "grace_secs_job": grace,
        "jobstart_secs": str(started),
        "job_id": record.uuid,
        "wall_limit_secs": str(wall),
        "wall_limit_secs_lrms": str(wall),
        "cpu_limit_secs": str(wall * record.processors),
        "cpu_limit_secs_lrms": str(wall * record.processors),
        "cpufactor_lrms": "1.0",
        "max_rss_bytes": str(memory),
        "mem_limit_MB": str(memory // 1000000),
    }
    if record.scratch_bytes:
        job["scratch_limit_bytes"] = str(record.scratch_bytes)
    if record.hs06_per_processor is not None:
        machine["hs06"] = job["hs06_job"] = _hs06(record.hs06)
    machine.update(options)
    return machine, job


def _hs06(value: float) -> str:
    """Always with a decimal point, and without the dust of binary fractions."""
    return str(float(round(value, 3)))
