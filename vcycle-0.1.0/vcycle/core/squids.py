"""The proxies of CernVM-FS that are machines of our own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vcycle.core.machine import Record, Traces

OPTION = "cvmfs_proxy"
"""The name, after ``user_data_option_``, of the option that the proxies are put before."""


def squids(
    records: Iterable[Record],
    traces: Mapping[str, Traces],
    now: float,
    machinetype: str,
    port: int,
) -> tuple[str, ...]:
    """
    ``http://ADDRESS:PORT`` of a machinetype's machines that are alive by their own word: a
    heartbeat as current as their own limits ask for. In the order of their addresses.

    Machines with user networking have no address, and machines without ``heartbeat_file`` say
    nothing: neither is ever among them.
    """
    found = {
        record.address
        for record in records
        if record.machinetype == machinetype
        and record.address is not None
        and record.doom is None
        and record.ended_at is None
        and _beats(record, traces.get(record.uuid), now)
    }
    return tuple(f"http://{address}:{port}" for address in sorted(found, key=_octets))


def before(configured: str | None, proxies: Iterable[str]) -> str | None:
    """
    The value of the option: the proxies as one group, then those configured; as CernVM-FS reads
    it, ``|`` shares a load and ``;`` is "if all of these fail". Without proxies nothing changes.
    """
    group = "|".join(proxies)
    if not group:
        return configured
    return f"{group};{configured}" if configured else group


def _beats(record: Record, traces: Traces | None, now: float) -> bool:
    if record.limits.heartbeat_file is None or traces is None or traces.heartbeat_at is None:
        return False
    within = record.limits.heartbeat_seconds
    return within == 0 or now - traces.heartbeat_at <= within


def _octets(address: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else -1 for part in address.split("."))
