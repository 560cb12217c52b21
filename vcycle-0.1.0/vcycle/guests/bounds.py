"""How much the guests' web server bears from its callers."""

from __future__ import annotations

from attrs import frozen

from vcycle.core.quota import Quota


@frozen(kw_only=True)
class Bounds:
    """
    Sizes in bytes, times in seconds.

    ``spooled_bytes`` is what all bodies on their way may hold together; up to
    ``memory_bytes`` of each stay in memory, the rest is in unnamed temporary files.
    After an answer a caller has ``linger_seconds`` and ``linger_bytes`` to stop sending.
    """

    connections: int = 1024
    connections_per_machine: int = 16
    head_bytes: int = 8192
    head_lines: int = 64
    head_seconds: float = 10.0
    idle_seconds: float = 30.0
    total_seconds: float = 300.0
    linger_seconds: float = 3.0
    linger_bytes: int = 4 * 1024 * 1024
    output_bytes: int = Quota().file_bytes
    spooled_bytes: int = 1024 * 1024 * 1024
    memory_bytes: int = 16 * 1024
