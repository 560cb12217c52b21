"""What a machine may leave as job outputs: names, sizes and how many."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import frozen

OUTPUT_NAME = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}"
_NAME = re.compile(OUTPUT_NAME)


@frozen(kw_only=True)
class Quota:
    """
    The most that one machine may leave, in bytes and files.

    ``reserve_bytes`` must stay free on the disk, so that records can be written whatever
    machines leave.
    """

    file_bytes: int = 20_000_000
    machine_bytes: int = 100_000_000
    files: int = 200
    reserve_bytes: int = 100_000_000


def refused_name(name: str) -> str | None:
    """Why a job output cannot have this name; None if it can."""
    if _NAME.fullmatch(name):
        return None
    return (
        f"{name[:80]!r} is no name of a job output: 1 to 64 letters, digits, '.', '_' and '-',"
        " the first not a '.'"
    )


def excess(quota: Quota, name: str, size: int, others: Mapping[str, int]) -> str | None:
    """
    Why an output of ``size`` bytes is too much beside the sizes of the others; None if it is not.

    A former output of the same name, in ``others`` or not, does not count.
    """
    if size > quota.file_bytes:
        return f"{name} is larger than the quota of {quota.file_bytes} bytes"
    total = size + sum(others.values()) - others.get(name, 0)
    if total > quota.machine_bytes:
        return f"{name} would make all job outputs larger than {quota.machine_bytes} bytes"
    if len(others) + (name not in others) > quota.files:
        return f"{name} would be one more than the quota of {quota.files} job outputs"
    return None
