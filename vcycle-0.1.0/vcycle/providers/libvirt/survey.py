"""One look at all domains of a libvirt connection; to be called in libvirt's threads."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import libvirt
from attrs import frozen

from vcycle.core.errors import Malformed
from vcycle.core.machine import Condition, Mark, Sighting
from vcycle.core.mark import NAMESPACE, read_mark
from vcycle.providers.libvirt.failures import code, text

# A domain that is shutting down is still there, and still at work.
_CONDITIONS = {
    libvirt.VIR_DOMAIN_NOSTATE: Condition.PENDING,
    libvirt.VIR_DOMAIN_RUNNING: Condition.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: Condition.RUNNING,
    libvirt.VIR_DOMAIN_SHUTDOWN: Condition.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: Condition.PAUSED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: Condition.PAUSED,
    libvirt.VIR_DOMAIN_SHUTOFF: Condition.STOPPED,
    libvirt.VIR_DOMAIN_CRASHED: Condition.STOPPED,
}
_STATES = {
    libvirt.VIR_DOMAIN_NOSTATE: "no state",
    libvirt.VIR_DOMAIN_RUNNING: "running",
    libvirt.VIR_DOMAIN_BLOCKED: "blocked",
    libvirt.VIR_DOMAIN_SHUTDOWN: "shutting down",
    libvirt.VIR_DOMAIN_PAUSED: "paused",
    libvirt.VIR_DOMAIN_PMSUSPENDED: "suspended",
    libvirt.VIR_DOMAIN_SHUTOFF: "shut off",
    libvirt.VIR_DOMAIN_CRASHED: "crashed",
}

# By uuid: the domain's number, which each start of a domain changes, and its mark.
Marks = Mapping[str, tuple[int, "Mark | None"]]


@frozen(kw_only=True)
class Look:
    """What one visit saw; ``marks`` is for the next one, ``problem`` None means complete."""

    sightings: tuple[Sighting, ...]
    absent: frozenset[str]
    marks: Marks
    problem: str | None


def look(connection: libvirt.virConnect, expected: Collection[str], known: Marks) -> Look:
    """
    All domains by one listing call, their CPU time by a cheap call for each.

    Nothing here asks a domain's own process, which may hang. Marks come from ``known``
    as far as possible. A domain that vanishes meanwhile is simply not listed.

    :raises libvirt.libvirtError: no whole answer.
    :raises Malformed: an answer that makes no sense.
    """
    sightings: list[Sighting] = []
    marks: dict[str, tuple[int, Mark | None]] = {}
    problem = None
    for domain, stats in connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE, 0):
        uuid, number = domain.UUIDString(), domain.ID()
        try:
            known_number, mark = known.get(uuid, (None, None))
            if known_number != number or number < 0:
                mark = read_mark_of(domain)
            sighting = _measured(domain, uuid, _state(stats), mark)
        except libvirt.libvirtError as error:
            if code(error) == libvirt.VIR_ERR_NO_DOMAIN:
                continue
            if not connection.isAlive():
                raise
            problem = f"{domain.name()}: libvirt says: {text(error)}"
            continue
        sightings.append(sighting)
        marks[uuid] = (number, mark)
    listed = {sighting.uuid for sighting in sightings}
    absent = frozenset(u for u in expected if u not in listed and _is_absent(connection, u))
    return Look(sightings=tuple(sightings), absent=absent, marks=marks, problem=problem)


def _measured(
    domain: libvirt.virDomain, uuid: str, state: tuple[int, int], mark: Mark | None
) -> Sighting:
    """A stranger that libvirt cannot measure is listed without figures; ours are not guessed at."""
    try:
        return _sighting(domain, uuid, state, mark)
    except libvirt.libvirtError as error:
        gone = code(error) == libvirt.VIR_ERR_NO_DOMAIN
        if mark is not None or gone or not domain.connect().isAlive():
            raise
        return Sighting(uuid=uuid, name=domain.name(), condition=_condition(state), raw="unknown")


def look_at(domain: libvirt.virDomain) -> Sighting:
    """One domain; raises as ``look``."""
    state, reason = domain.state()
    return _sighting(domain, domain.UUIDString(), (state, reason), read_mark_of(domain))


def find(connection: libvirt.virConnect, uuid: str) -> libvirt.virDomain | None:
    """The domain of that uuid, or None where libvirt says that there is none."""
    try:
        return connection.lookupByUUIDString(uuid)
    except libvirt.libvirtError as error:
        if code(error) != libvirt.VIR_ERR_NO_DOMAIN:
            raise
        return None


def read_mark_of(domain: libvirt.virDomain) -> Mark | None:
    """The mark that a domain carries; None for none, or for one that is no mark of Vcycle's."""
    try:
        return read_mark(domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE, 0))
    except ValueError:
        return None
    except libvirt.libvirtError as error:
        if code(error) != libvirt.VIR_ERR_NO_DOMAIN_METADATA:
            raise
        return None


def _is_absent(connection: libvirt.virConnect, uuid: str) -> bool:
    try:
        return find(connection, uuid) is None
    except libvirt.libvirtError:
        if not connection.isAlive():
            raise
        return False  # not known


def _state(stats: Mapping[str, object]) -> tuple[int, int]:
    state, reason = stats.get("state.state"), stats.get("state.reason", 0)
    if not isinstance(state, int) or not isinstance(reason, int):
        raise Malformed(f"libvirt lists a domain in the state {state!r}, reason {reason!r}")
    return state, reason


def _sighting(
    domain: libvirt.virDomain, uuid: str, state: tuple[int, int], mark: Mark | None
) -> Sighting:
    number, reason = state
    _, kibibytes, _, processors, nanoseconds = domain.info()
    return Sighting(
        uuid=uuid,
        name=domain.name(),
        condition=_condition(state),
        mark=mark,
        processors=processors,
        memory_mb=kibibytes // 1024,
        cpu_seconds=nanoseconds / 1e9,
        raw=f"{_STATES.get(number, number)} ({reason})",
    )


def _condition(state: tuple[int, int]) -> Condition:
    if state == (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_STARTING_UP):
        return Condition.PENDING
    return _CONDITIONS.get(state[0], Condition.PENDING)
