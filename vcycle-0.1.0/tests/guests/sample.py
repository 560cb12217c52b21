"""The machine of the sample documents, for tests."""

from __future__ import annotations

from vcycle.core.machine import Limits, Model, Record

CREATED = 1767225600
RECORD = Record(
    uuid="6a3d3b43-1b2a-4c6d-8a0e-5a56d2f7c202",
    name="factory1-01.example.com",
    slot=1,
    space="vac01.example.com",
    factory="factory1.example.com",
    machinetype="example-mcore",
    model=Model.VM_RAW,
    processors=8,
    memory_mb=8 * 2048,
    limits=Limits(fizzle_seconds=600, max_wallclock_seconds=86400),
    secret="b" * 32,
    born=CREATED - 8,
    requested_at=CREATED - 7.5,
    started_at=CREATED + 0.5,
    shutdown_time=CREATED + 86400 + 0.25,
    hs06_per_processor=10.5,
    address="169.254.169.1",
    mac="56:4D:A9:FE:A9:01",
    site="UKI-EXAMPLE",
)
