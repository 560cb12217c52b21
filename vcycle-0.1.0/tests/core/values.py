"""Spaces, machinetypes, records and looks for tests, each with sane defaults."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from attrs import evolve

from vcycle.core.addresses import slot_name
from vcycle.core.config.model import Machinetype, Space
from vcycle.core.machine import (
    Condition,
    Limits,
    Mark,
    Model,
    Outcome,
    Record,
    Sighting,
    Survey,
    Traces,
    Traits,
)
from vcycle.core.observation import Budget, Host, Observation, Plan
from vcycle.core.peers import PeerReport
from vcycle.core.recordtext import encode
from vcycle.core.supervision import Known

NOW = 1_700_000_000.0
OWNER = "host1.example.com:/var/lib/vcycle"
SPACE = "vac01.example.com"
FACTORY = "factory1.example.com"
TRAITS = Traits(settle_seconds=30.0, authoritative=True, max_user_data=65536)
CLOUD = evolve(TRAITS, authoritative=False)


def uuid(number: int) -> str:
    """A valid uuid for each number."""
    return str(UUID(int=0x8F3D4D40013D422AB550000000000000 + number))


def machinetype(name: str = "pilot", **changes: Any) -> Machinetype:
    """A machinetype of one-processor machines that live a day."""
    wanted: dict[str, Any] = {
        "space": SPACE,
        "name": name,
        "target_share": 1.0,
        "machinegroup": name,
        "machine_model": Model.VM_RAW,
        "root_image": "/images/root.qcow2",
        "kernel": None,
        "initrd": None,
        "kernel_arguments": "",
        "root_device": "vda",
        "scratch_device": "vdb",
        "user_data": None,
        "user_data_files": {},
        "min_processors": 1,
        "max_processors": 1,
        "max_wallclock_seconds": 86400,
        "min_wallclock_seconds": 86400,
        "backoff_seconds": 10,
        "fizzle_seconds": 600,
        "heartbeat_file": None,
        "heartbeat_seconds": 0,
        "accounting_fqan": None,
        "disk_gb_per_processor": None,
        "machines_dir_days": 3.0,
        "root_public_key": None,
    }
    return Machinetype(**{**wanted, **changes})


def space(*machinetypes: Machinetype, **changes: Any) -> Space:
    """A space of eight processors; with the machinetype ``pilot`` if none is given."""
    wanted: dict[str, Any] = {
        "name": SPACE,
        "factory_name": FACTORY,
        "factories": (FACTORY,),
        "libvirt_uri": "test:///default",
        "guest_network": "169.254.0.0/16",
        "guest_http_port": 80,
        "forward_dev": None,
        "fix_networking": True,
        "cycle_seconds": 60.0,
        "total_machines": None,
        "total_processors": 8,
        "total_mb": None,
        "creations_per_cycle": 100,
        "mb_per_processor": 2048,
        "hs06_per_processor": None,
        "processors_per_superslot": 1,
        "overload_per_processor": 1.25,
        "shutdown_time": None,
        "draining": False,
        "gocdb_sitename": None,
        "description": None,
        "machinetypes": {m.name: m for m in machinetypes or (machinetype(),)},
    }
    return Space(**{**wanted, **changes})


def record(number: int = 0, **changes: Any) -> Record:
    """The record of a machine that was asked for at NOW."""
    processors = changes.get("processors", 1)
    wanted: dict[str, Any] = {
        "uuid": uuid(number),
        "name": slot_name(FACTORY, number),
        "slot": number,
        "space": SPACE,
        "factory": FACTORY,
        "machinetype": "pilot",
        "model": Model.VM_RAW,
        "processors": processors,
        "memory_mb": 2048 * processors,
        "limits": Limits(fizzle_seconds=600, max_wallclock_seconds=86400),
        "secret": "only-ours",
        "born": int(NOW),
        "requested_at": NOW,
        "shutdown_time": NOW + 86400,
    }
    return Record(**{**wanted, **changes})


def running(number: int = 0, **changes: Any) -> Record:
    """The record of a machine that started at NOW and was last seen then."""
    return record(number, **{"started_at": NOW, "seen_at": NOW, **changes})


def ended(number: int = 0, **changes: Any) -> Record:
    """The record of a machine that ran an hour and ended well."""
    wanted = {"ended_at": NOW + 3600, "outcome": Outcome.COMPLETED, "seen_at": NOW + 3600}
    return running(number, **{**wanted, **changes})


def mark(of: Record, **changes: Any) -> Mark:
    """The mark that the machine of a record carries."""
    own = Mark(owner=OWNER, space=of.space, uuid=of.uuid, name=of.name, facts=encode(of))
    return evolve(own, **changes)


def sighting(
    of: Record, condition: Condition = Condition.RUNNING, cpu_seconds: float = 0.0, **changes: Any
) -> Sighting:
    """The machine of a record, listed with its mark."""
    wanted: dict[str, Any] = {
        "uuid": of.uuid,
        "name": of.name,
        "condition": condition,
        "mark": changes["mark"] if "mark" in changes else mark(of),
        "processors": of.processors,
        "memory_mb": of.memory_mb,
        "cpu_seconds": cpu_seconds,
    }
    return Sighting(**{**wanted, **changes})


def foreign(number: int, **changes: Any) -> Sighting:
    """A machine that is not Vcycle's."""
    wanted: dict[str, Any] = {
        "uuid": uuid(10_000 + number),
        "name": f"web{number}",
        "condition": Condition.RUNNING,
        "processors": 1,
        "memory_mb": 1024,
    }
    return Sighting(**{**wanted, **changes})


def survey(
    sightings: Iterable[Sighting] = (), absent: Iterable[Record] = (), **changes: Any
) -> Survey:
    """A complete look in which these were seen, and of those was said that they are not."""
    wanted: dict[str, Any] = {
        "taken_at": NOW,
        "complete": True,
        "sightings": tuple(sightings),
        "absent": frozenset(record.uuid for record in absent),
        "endings": {},
    }
    return Survey(**{**wanted, **changes})


def known(seen: Sighting | None = None, *, absent: bool = False, **changes: Any) -> Known:
    """What a look told of one machine: by default nothing at all."""
    wanted: dict[str, Any] = {
        "sighting": seen,
        "absent": absent,
        "ending": None,
        "traces": Traces(),
        "end_before": None,
        "served_since": NOW - 86400,
        "traits": TRAITS,
    }
    return Known(**{**wanted, **changes})


def observation(records: Iterable[Record] = (), **changes: Any) -> Observation:
    """An idle host of many processors; each record's machine is listed and runs."""
    records = tuple(records)
    wanted: dict[str, Any] = {
        "now": NOW,
        "space": space(),
        "owner": OWNER,
        "records": records,
        "traces": {},
        "survey": survey(sighting(record) for record in records),
        "traits": TRAITS,
        "histories": {},
        "host": Host(processors=64, load=0.5, disk_free=1 << 40),
        "budget": Budget(processors=64, memory_mb=1 << 20),
        "ready": {},
        "served_since": NOW - 86400,
        "seed": 0,
    }
    return Observation(**{**wanted, **changes})


def report(
    factory: str = "factory2", machinetype: str = "pilot", hs06: float = 0.0, **changes: Any
) -> PeerReport:
    """What a peer said at NOW: machines of one HS06 each, none of them young."""
    wanted: dict[str, Any] = {
        "factory": f"{factory}.example.com",
        "machinetype": machinetype,
        "running_hs06": hs06,
        "running_machines": int(hs06),
        "running_processors": int(hs06),
        "young": 0,
        "heard_at": NOW,
    }
    return PeerReport(**{**wanted, **changes})


def words(plan: Plan) -> dict[str, str]:
    """The word of each verdict, by machinetype."""
    return {verdict.machinetype: verdict.word for verdict in plan.verdicts}
