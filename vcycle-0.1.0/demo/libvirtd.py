"""The system's libvirtd, where a demonstration with ``--system`` has its machines."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from vcycle.core.errors import VcycleError

URI = "qemu:///system"
# How the daemon names its networks.
NETWORK_PREFIX = "vcycle_"


class NoLibvirtd(VcycleError):
    """The system's libvirtd does not answer; the text says why, and the cure."""


def networks() -> tuple[str, ...]:
    """
    The names of the networks that run.

    :raises NoLibvirtd: nobody could be asked.
    """
    with _connection() as connection:
        return tuple(network.name() for network in connection.listAllNetworks())


def remove(factory: str, keep: Collection[str]) -> int:
    """Destroy the machines of a factory, and its network unless that is to be kept; how many."""
    import libvirt

    # Machines are named after their factory: its first label, a number, its domain.
    label, _, rest = factory.partition(".")
    try:
        with _connection() as connection:
            ours = [
                domain
                for domain in connection.listAllDomains()
                if domain.name().startswith(f"{label}-") and domain.name().endswith(f".{rest}")
            ]
            for domain in ours:
                try:
                    domain.destroy()
                except libvirt.libvirtError as error:
                    if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                        raise
            for network in connection.listAllNetworks():
                if network.name().startswith(NETWORK_PREFIX) and network.name() not in keep:
                    network.destroy()
    except NoLibvirtd:
        return 0
    return len(ours)


@contextmanager
def _connection() -> Iterator[Any]:
    import libvirt

    # What goes wrong is told by us, and not by the library as well.
    libvirt.registerErrorHandler(lambda *_: None, None)
    try:
        connection = libvirt.open(URI)
    except libvirt.libvirtError as error:
        raise NoLibvirtd(
            f"{URI}: {error}; start libvirtd (systemctl start libvirtd), or leave out --system"
        ) from None
    try:
        yield connection
    finally:
        connection.close()
