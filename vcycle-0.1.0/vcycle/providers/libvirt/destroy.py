"""Ending one domain; to be called in libvirt's threads."""

from __future__ import annotations

import libvirt

from vcycle.core.errors import NameTaken
from vcycle.core.machine import Record
from vcycle.providers.libvirt.failures import code
from vcycle.providers.libvirt.survey import find, read_mark_of


def destroy_domain(connection: libvirt.virConnect, record: Record, owner: str) -> None:
    """
    End the domain if it is certainly the record's; gone already is fine.

    :raises NameTaken: a domain of that uuid does not agree with record and owner; untouched.
    :raises libvirt.libvirtError: it was not ended, or no answer came.
    """
    domain = find(connection, record.uuid)
    if domain is None:
        return
    try:
        _check(domain, record, owner)
        if domain.isActive():
            domain.destroy()
        if domain.isPersistent():
            # Ours are transient; somebody has defined this one, and it would stay for ever.
            domain.undefine()
    except libvirt.libvirtError as error:
        gone = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID)
        if code(error) not in gone or find(connection, record.uuid) is not None:
            raise


def _check(domain: libvirt.virDomain, record: Record, owner: str) -> None:
    mark, name = read_mark_of(domain), domain.name()
    if mark is None:
        raise NameTaken(f"{record.uuid} is {name}, a machine without Vcycle's mark; untouched")
    found = (name, mark.name, mark.uuid, mark.space, mark.owner)
    if found != (record.name, record.name, record.uuid, record.space, owner):
        text = f"{record.uuid} is {name}, marked as {mark.name} of {mark.space} and {mark.owner}"
        raise NameTaken(f"{text}, not {record.name} of {record.space} and {owner}; untouched")
