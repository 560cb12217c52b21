"""How a host's directories get to machines, and which exports belong to nobody any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import AddressValueError, IPv4Address
from typing import Callable

from attrs import frozen

from vcycle.core.addresses import GuestNetwork
from vcycle.core.errors import DiskError
from vcycle.core.machine import Record, Shared

NFS = "nfs"
NFS_OPTIONS = "vers=4.2"
NINEP_OPTIONS = "trans=virtio,version=9p2000.L,msize=262144"

Directory = tuple[str, str, bool]
"""A tag, a path, and whether machines may write there."""


@frozen(kw_only=True)
class Ways:
    """
    What a hypervisor can share directories by: for each way None, or why it cannot.

    ``readonly`` says the same of virtiofs for directories that machines must not change.
    """

    virtiofs: str | None = "this provider cannot"
    readonly: str | None = "this provider cannot"
    ninep: str | None = "this provider cannot"


def share(
    directories: Sequence[Directory], sharing: str, ways: Ways, network: bool
) -> tuple[Shared, ...]:
    """
    How each of a machinetype's directories is shared: all of them in one way.

    ``sharing`` is the option's word; ``network`` says that each machine has its own address.

    :raises DiskError: it cannot be; the text says why, and the cure.
    """
    if not directories:
        return ()
    how = sharing
    if sharing == "auto":
        how = "virtiofs" if _virtiofs(directories, ways) is None else "9p"
    problem = _problem(how, directories, ways, network)
    if problem is not None and sharing == "auto":
        problem = f"virtiofs: {_virtiofs(directories, ways)}; 9p: {problem}"
    if problem is not None:
        raise DiskError(f"shared_dirs cannot be shared (sharing = {sharing}): {problem}")
    return tuple(
        Shared(tag=tag, path=path, writable=writable, how=how)
        for tag, path, writable in directories
    )


def _problem(how: str, directories: Sequence[Directory], ways: Ways, network: bool) -> str | None:
    if how == "virtiofs":
        return _virtiofs(directories, ways)
    if how == "9p":
        return ways.ninep
    if not network:
        return "machines have no addresses of their own here; use libvirt_uri = qemu:///system"
    access: dict[str, bool] = {}
    for _, path, writable in directories:
        if access.setdefault(path, writable) is not writable:
            return f"{path} is named with ':rw' and without, and is exported only once"
    return None


def _virtiofs(directories: Sequence[Directory], ways: Ways) -> str | None:
    if ways.virtiofs is None and not all(writable for _, _, writable in directories):
        return ways.readonly
    return ways.virtiofs


def mounts(shared: Iterable[Shared], server: str | None) -> str:
    """
    What machines are told, a line for each directory: tag, type, source, options of ``mount``.
    There is no end of line after the last.

    ``server`` is the host's address in their network, where there is one.
    """
    lines = []
    for one in shared:
        access = "rw" if one.writable else "ro"
        if one.how == NFS:
            lines.append(f"{one.tag} nfs {server}:{one.path} {NFS_OPTIONS},{access}")
        elif one.how == "9p":
            lines.append(f"{one.tag} 9p {one.tag} {NINEP_OPTIONS},{access}")
        else:
            lines.append(f"{one.tag} virtiofs {one.tag} {access}")
    return "\n".join(lines)


def exports_of(directories: Sequence[Directory], sharing: str) -> tuple[str, ...]:
    """The directories that are exported by NFS, each once."""
    return tuple(dict.fromkeys(path for _, path, _ in directories)) if sharing == NFS else ()


def forgotten(
    exported: Iterable[tuple[str, str]],
    network: GuestNetwork,
    holder: Callable[[str], Record | None],
) -> list[tuple[str, str]]:
    """
    The exports (path and address) to addresses of machines whose machine they are not.

    ``holder`` gives the living machine that has an address.
    """
    found = []
    for path, address in exported:
        if _within(network, address):
            record = holder(address)
            if record is None or path not in record.exports:
                found.append((path, address))
    return found


def _within(network: GuestNetwork, address: str) -> bool:
    """Whether this is one address of the network; names and whole networks are others' exports."""
    try:
        return IPv4Address(address) in network.network
    except AddressValueError:
        return False


def missing(exported: Iterable[tuple[str, str]], records: Iterable[Record]) -> list[Record]:
    """The machines of whose exports some are not there."""
    known = set(exported)
    return [
        record
        for record in records
        if record.address is not None
        and any((path, record.address) not in known for path in record.exports)
    ]
