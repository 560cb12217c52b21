"""Machines for tests to ask for."""

from __future__ import annotations

import json
from uuid import UUID

from attrs import evolve

from vcycle.core.addresses import DEFAULT_NETWORK, GuestNetwork, mac
from vcycle.core.machine import Boot, Disk, Limits, Mark, Model, Record, Spec

NETWORK = GuestNetwork.parse(DEFAULT_NETWORK)
OWNER = "host1.example.com:/var/lib/vcycle"


def uuid(number: int) -> str:
    """A valid uuid for each number."""
    return str(UUID(int=0x8F3D4D40013D422AB550000000000000 + number))


def record(number: int, *, name: str | None = None, processors: int = 1) -> Record:
    """A record as it is when its machine is asked for."""
    address = NETWORK.address(number)
    return Record(
        uuid=uuid(number),
        name=name or f"factory1-{number:02d}.example.com",
        slot=number,
        space="vac.example.com",
        factory="factory1.example.com",
        machinetype="pilot",
        model=Model.VM_RAW,
        processors=processors,
        memory_mb=64 * processors,
        limits=Limits(fizzle_seconds=600, max_wallclock_seconds=86400),
        secret="s3cret",
        born=1_700_000_000,
        requested_at=1_700_000_000.0,
        shutdown_time=1_700_086_400.0,
        address=address,
        mac=mac(address),
    )


def spec(
    number: int,
    *,
    name: str | None = None,
    processors: int = 1,
    owner: str = OWNER,
    disks: tuple[Disk, ...] = (),
    boot: Boot | None = None,
    console: str = "/tmp/console.log",
) -> Spec:
    """A request for a machine, its mark agreeing with its record."""
    asked = record(number, name=name, processors=processors)
    mark = Mark(
        owner=owner,
        space=asked.space,
        uuid=asked.uuid,
        name=asked.name,
        facts=json.dumps({"uuid": asked.uuid, "text": "ünïcode & <markup> \"quoted\" 'single'"}),
    )
    return Spec(record=asked, mark=mark, disks=disks, console=console, boot=boot)


def named(wanted: Spec, name: str) -> Spec:
    """The same request under another name."""
    return evolve(
        wanted, record=evolve(wanted.record, name=name), mark=evolve(wanted.mark, name=name)
    )
