"""What a factory tells of its host."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class FactoryFacts:
    """
    A look at the factory's host.

    ``*_kb`` are in KiB, ``load_average`` is over 15 minutes; times are Unix seconds, 0 where
    nothing is known. ``daemon_disk_*`` is the file system of the state directory.
    """

    processors: int = 1
    root_disk_avail_kb: int = 0
    root_disk_avail_inodes: int = 0
    daemon_disk_avail_kb: int = 0
    daemon_disk_avail_inodes: int = 0
    load_average: float = 0.0
    kernel_version: str = ""
    os_issue: str = ""
    boot_time: int = 0
    factory_heartbeat_time: int = 0
    responder_heartbeat_time: int = 0
    mjf_heartbeat_time: int = 0
    metadata_heartbeat_time: int = 0
    swap_used_kb: int = 0
    swap_free_kb: int = 0
    mem_used_kb: int = 0
    mem_total_kb: int = 0
