"""Datagrams of the family, version by version, and hostile ones."""

from __future__ import annotations

from pathlib import Path

from vcycle.core.vacquery.messages import MachineStatus, MachinetypeStatus

DIRECTORY = Path(__file__).parent.parent / "vectors" / "vacquery"
COOKIE = "e87dd60377f303999d4281fe5d7ff6d937fbbf29de19e98cdd10d889f2affb3c"
SPACE = "vcycle01.example.com"
FACTORY = "factory1.example.com"
NOW = 1767225600


def vector(name: str) -> bytes:
    """The datagram in the file ``<name>.json``."""
    return (DIRECTORY / f"{name}.json").read_bytes()


PILOT = MachinetypeStatus(
    cookie=COOKIE,
    space=SPACE,
    factory=FACTORY,
    time_sent=NOW,
    daemon_version="Vcycle 1.0.0 vcycle-responder",
    vacquery_version="VacQuery 01.03",
    site="EXAMPLE-SITE",
    num_machinetypes=2,
    machinetype="example-prod",
    running_hs06=42.0,
    num_before_fizzle=1,
    running_machines=4,
    running_processors=4.0,
    shutdown_message="200 Success",
    shutdown_time=NOW - 900,
    shutdown_machine="factory1-05.example.com",
    bytes_per_processor=2 << 30,
    max_wallclock_seconds=86400,
    max_processors=8,
    fqan="/exvo/Role=production/Capability=NULL",
)

RUNNING = MachineStatus(
    cookie=COOKIE,
    space=SPACE,
    factory=FACTORY,
    time_sent=NOW,
    daemon_version="Vcycle 1.0.0 vcycle-responder",
    vacquery_version="VacQuery 01.03",
    site="EXAMPLE-SITE",
    num_machines=4,
    machine="factory1-00.example.com",
    state="Running",
    machine_model="cernvm3",
    uuid="9f0c2f5e-0f5b-4f0e-9a56-3a7c1a1f0b11",
    created_time=1767218340,
    started_time=1767218400,
    heartbeat_time=1767225570,
    num_processors=1,
    cpu_seconds=6810,
    cpu_percentage=97.4,
    hs06=10.5,
    machinetype="example-prod",
    fqan="/exvo/Role=production/Capability=NULL",
)
