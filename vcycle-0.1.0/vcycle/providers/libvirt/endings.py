"""The ends of machines that libvirt's events told of."""

from __future__ import annotations

import libvirt
from attrs import Factory, define

from vcycle.core.machine import Ending

MOST = 10_000

_HOW = {
    libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN: "shutdown",
    libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED: "destroyed",
    libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED: "crashed",
    libvirt.VIR_DOMAIN_EVENT_STOPPED_MIGRATED: "migrated",
    libvirt.VIR_DOMAIN_EVENT_STOPPED_SAVED: "saved",
    libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED: "failed",
}


@define
class Endings:
    """The latest ``most`` of them: a busy neighbour on the hypervisor must not fill the memory."""

    most: int = MOST
    _by_uuid: dict[str, Ending] = Factory(dict)

    def note(self, uuid: str, event: int, detail: int, now: float) -> None:
        """Take a lifecycle event, which may be any."""
        if event != libvirt.VIR_DOMAIN_EVENT_STOPPED:
            return
        self._by_uuid.pop(uuid, None)
        self._by_uuid[uuid] = Ending(at=now, how=_HOW.get(detail, "ended"))
        if len(self._by_uuid) > self.most:
            del self._by_uuid[next(iter(self._by_uuid))]

    def known(self) -> dict[str, Ending]:
        """All that are remembered, by uuid."""
        return dict(self._by_uuid)
