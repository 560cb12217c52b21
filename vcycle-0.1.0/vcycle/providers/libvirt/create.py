"""Making one domain; to be called in libvirt's threads."""

from __future__ import annotations

import libvirt
from attrs import evolve

from vcycle.core.errors import NameTaken
from vcycle.core.machine import Spec
from vcycle.providers.libvirt.failures import code
from vcycle.providers.libvirt.survey import find, read_mark_of


def create_domain(connection: libvirt.virConnect, spec: Spec, xml: str, flags: int = 0) -> None:
    """
    Make the domain, unless it exists already with the same mark; ``flags`` are createXML's.

    :raises NameTaken: its name or its uuid is another's.
    :raises libvirt.libvirtError: it was not made, or no answer came.
    """
    if _is_there(connection, spec):
        return
    try:
        connection.createXML(xml, flags)
    except libvirt.libvirtError:
        # Somebody else may have been quicker, with the same machine or the same name.
        if connection.isAlive() and _is_there(connection, spec):
            return
        raise


def _is_there(connection: libvirt.virConnect, spec: Spec) -> bool:
    record = spec.record
    domain = find(connection, record.uuid)
    if domain is not None:
        mark = read_mark_of(domain)
        if mark is None or evolve(mark, facts=spec.mark.facts) != spec.mark:
            raise NameTaken(f"{record.name}: the uuid {record.uuid} is another machine's")
        return True
    try:
        holder = connection.lookupByName(record.name)
    except libvirt.libvirtError as error:
        if code(error) != libvirt.VIR_ERR_NO_DOMAIN:
            raise
        return False
    if holder.UUIDString() != record.uuid:
        raise NameTaken(f"{record.name}: the machine {holder.UUIDString()} has this name")
    return False  # it appears just now; the next look will tell
