"""Machines as factories tell of them: rows for tables, and objects for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from vcycle.commands.views.columns import Column, decimal, percentage
from vcycle.commands.views.gathered import Gathered
from vcycle.commands.views.names import natural, short_names
from vcycle.core.table import Colour, span
from vcycle.core.vacquery.messages import MachineStatus, age

EMPTY = "empty"
"""The state of a slot that never had a machine, which the wire has no word for."""

OVER = frozenset(("shut-down", EMPTY))
"""States of slots in which there is no machine."""

_COLOURS = {
    "running": Colour.GREEN,
    "starting": Colour.YELLOW,
    "draining": Colour.YELLOW,
    "paused": Colour.YELLOW,
    "deleting": Colour.YELLOW,
    "zombie": Colour.RED,
    "failed": Colour.RED,
    "shut-down": Colour.GREY,
    EMPTY: Colour.GREY,
}
_MODELS = {"singularity": "SC", "docker": "DC"}


@frozen(kw_only=True)
class Machine:
    """
    One slot with what is made of its answer; all spans are in seconds on the sender's clock.

    ``age`` is how long a machine runs, or has been starting, or had run when it ended;
    ``ended`` is how long ago that was. ``lifetime`` and ``recent`` are percentages of
    processor time over the whole machine.
    """

    told: MachineStatus
    factory: str
    slot: str
    state: str
    age: float | None
    ended: float | None
    heartbeat: float | None
    lifetime: float | None
    recent: float | None

    @property
    def is_there(self) -> bool:
        return self.state not in OVER


def machines(gathered: Gathered) -> list[Machine]:
    """Rows by factory and slot; factories have short names as far as these differ."""
    names = short_names(gathered.chosen.factories)
    rows = [_machine(told, names, gathered.taken_at) for told in gathered.machines]
    return sorted(rows, key=lambda row: (natural(row.told.factory), natural(row.told.machine)))


def _machine(told: MachineStatus, names: Mapping[str, str], now: float) -> Machine:
    state = told.state.lower().replace(" ", "-")
    if told.machinetype is None and state in (*OVER, "unknown"):
        state = EMPTY
    over = state in OVER
    factory = told.factory.lower()
    since = told.created_time if told.started_time is None else told.started_time
    until = told.heartbeat_time if over else told.time_sent
    lived = since is not None and not (over and until is None)
    ended = told.shutdown_time if told.shutdown_time is not None else told.heartbeat_time
    running = None
    if told.started_time is not None and told.heartbeat_time is not None:
        running = told.heartbeat_time - told.started_time
    return Machine(
        told=told,
        factory=names.get(factory, factory),
        slot=_slot(told.machine, factory),
        state=state,
        age=age(since, until, now=now) if lived and since is not None else None,
        ended=age(ended, told.time_sent, now=now) if over and ended is not None else None,
        heartbeat=None
        if told.heartbeat_time is None
        else age(told.heartbeat_time, told.time_sent, now=now),
        lifetime=100.0 * told.cpu_seconds / running
        if running and running > 0 and told.cpu_seconds is not None
        else None,
        recent=told.cpu_percentage if state == "running" else None,
    )


def _slot(machine: str, factory: str) -> str:
    """What of a machine's name is not its factory's: 00 of factory1-00.example.com."""
    label = machine.partition(".")[0]
    first = factory.partition(".")[0]
    own = label[: len(first)].lower() == first and label[len(first) : len(first) + 1] == "-"
    return (label[len(first) + 1 :] if own else "") or label or machine


def model(told: MachineStatus) -> str:
    """The family's two letters for how a machine runs."""
    if told.machine_model is None:
        return "VM" if told.machinetype is not None else "-"
    return _MODELS.get(told.machine_model, "VM")


def colour(row: Machine) -> Colour | None:
    return _COLOURS.get(row.state)


SLOT: Column[Machine] = Column("slot", lambda row: row.slot)
FACTORY: Column[Machine] = Column("factory", lambda row: row.factory)
MACHINE: Column[Machine] = Column("machine", lambda row: row.told.machine)
FACTS: Sequence[Column[Machine]] = (
    Column("machinetype", lambda row: row.told.machinetype),
    Column("state", lambda row: row.state, colour=colour),
    Column("cpus", lambda row: row.told.num_processors, right=True),
    Column("age", lambda row: row.age, span, right=True),
    Column("cpu%", lambda row: row.lifetime, percentage, right=True),
    Column("now%", lambda row: row.recent, percentage, right=True),
)
WIDE: Sequence[Column[Machine]] = (
    Column("model", lambda row: model(row.told), wide=True),
    Column("hs06", lambda row: row.told.hs06, decimal, right=True, wide=True),
    Column("heartbeat", lambda row: row.heartbeat, span, right=True, wide=True),
    Column("ended", lambda row: row.ended, span, right=True, wide=True),
    Column("uuid", lambda row: row.told.uuid, wide=True),
)
MESSAGE: Column[Machine] = Column("last message", lambda row: row.told.shutdown_message)


def as_object(row: Machine) -> dict[str, object]:
    """For programs; the times are Unix seconds on the factory's own clock, as it told them."""
    told = row.told
    return {
        "factory": told.factory.lower(),
        "machine": told.machine,
        "slot": row.slot,
        "machinetype": told.machinetype,
        "state": row.state,
        "machine_model": told.machine_model,
        "uuid": told.uuid,
        "processors": told.num_processors,
        "hs06": told.hs06,
        "created_time": told.created_time,
        "started_time": told.started_time,
        "heartbeat_time": told.heartbeat_time,
        "shutdown_time": told.shutdown_time,
        "time_sent": told.time_sent,
        "age_seconds": _whole(row.age),
        "cpu_seconds": told.cpu_seconds,
        "lifetime_cpu_percentage": _tenths(row.lifetime),
        "recent_cpu_percentage": _tenths(row.recent),
        "shutdown_message": told.shutdown_message,
        "fqan": told.fqan,
        "site": told.site,
        "daemon_version": told.daemon_version,
    }


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds)


def _tenths(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
