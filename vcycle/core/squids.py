"""The proxies of CernVM-FS that are machines of our own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vcycle.core.heartbeats import heartbeats
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
    ``http://ADDRESS:PORT`` of a machinetype's machines that are alive by their own word, in the
    order of their addresses.
    """
    found = {beat.address for beat in heartbeats(records, traces, now, machinetype)}
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


def _octets(address: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else -1 for part in address.split("."))
