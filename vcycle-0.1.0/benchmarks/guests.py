"""
The reactor's longest block while cycles run beside real guests, and while none do.

The guests beat through the daemon's web server all the time; cycles come each second.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater

from benchmarks.factory import Factory, begin_log, factory, settings
from benchmarks.figures import Figure, middle, spread, told
from benchmarks.pauses import Pauses
from benchmarks.sides import NEST, ask, in_reactor
from demo.guest.build import ready_guest
from vcycle.daemon.hypervisors import CALL_SECONDS, REPLACEMENTS
from vcycle.daemon.reaping import ReapingService
from vcycle.disks.qemu import QemuDisks
from vcycle.providers.libvirt.provider import CALLS, LibvirtProvider
from vcycle.threads import PrivateThreads

GUESTS, GUEST_MB = 8, 96
ROUNDS = 5
PHASE = 5
"""Cycles, and seconds, of one phase."""
BOOTING = 120.0

WORKER = """\
#!/bin/sh
heartbeat 2
sleep 100000
"""
MACHINETYPE = """
[machinetype worker]
target_share = 1
machine_model = vm-direct
kernel = {guest.kernel}
initrd = {guest.initrd}
kernel_arguments = {guest.arguments} vc.md=##metadata_url##
user_data = {place}/user_data
max_wallclock_seconds = 86400
heartbeat_file = heartbeat
heartbeat_seconds = 600
"""


def measure(place: Path, uri: str, guests: int, rounds: int) -> dict[str, Any]:
    """In a process of its own: the longest block of each phase, in seconds."""
    found: dict[str, Any] = {"idle": [], "cycles": []}

    async def main(reactor: Any) -> None:
        threads = PrivateThreads(reactor, uri, CALLS, CALL_SECONDS, ceiling=REPLACEMENTS)
        threads.startService()
        provider = LibvirtProvider(reactor, uri, threads, time.time)
        provider.startService()
        reaping = ReapingService(reactor)
        reaping.startService()
        (place / "state").mkdir()
        bench = factory(
            reactor,
            place / "state",
            settings(uri, guests, GUEST_MB) + (place / "machinetype").read_text("utf-8"),
            provider,
            disks=QemuDisks,
            prepare=provider.prepare,
        )
        await bench.cycle()
        await _all_beat(reactor, bench, guests)
        pauses = Pauses(reactor)
        for _ in range(rounds):
            for phase, cycles in (("idle", False), ("cycles", True)):
                pauses.start()
                for _ in range(PHASE):
                    if cycles:
                        await bench.cycle()
                    await deferLater(reactor, 1.0)
                pauses.stop()
                found[phase].append(pauses.longest)
        bench.stop()
        reaping.stopService()
        provider.stopService()
        threads.stopService()

    in_reactor(main)
    return found


async def _all_beat(reactor: Any, bench: Factory, guests: int) -> None:
    assert bench.runner.cycle is not None, "it has run"
    traces, end = bench.runner.cycle.knowledge.traces, time.monotonic() + BOOTING
    while len([each for each in traces.values() if each.heartbeat_at is not None]) < guests:
        if time.monotonic() > end:
            raise RuntimeError(f"{len(traces)} of {guests} guests beat after {BOOTING:.0f} s")
        await deferLater(reactor, 0.2)


def figures(guests: int, rounds: int) -> Iterator[Figure]:
    """On libvirt's embedded driver."""
    guest = ready_guest()
    with tempfile.TemporaryDirectory(prefix="vcg", dir="/tmp") as name:
        place = Path(name)
        (place / "user_data").write_text(WORKER, "utf-8")
        text = MACHINETYPE.format(guest=guest, place=place)
        (place / "machinetype").write_text(text, "utf-8")
        words = ("--place", name, "--uri", f"qemu:///embed?root={name}/q")
        many = ("--guests", str(guests), "--rounds", str(rounds))
        found = ask("benchmarks.guests", "--side", *words, *many, prefix=NEST)
    idle, busy = ([1000 * each for each in found[phase]] for phase in ("idle", "cycles"))
    yield Figure(
        what=f"Reactor's longest block in {PHASE} s with {PHASE} cycles, {guests} real guests",
        value=middle(busy),
        unit="ms",
        baseline_is="without cycles, beside the same guests",
        baseline=middle(idle),
        note=f"{spread(busy)}; without cycles {spread(idle)}; by the wall clock",
    )


def main(words: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.guests", description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer guests and rounds")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--guests", type=int, default=GUESTS, help="real guests")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="phases of each kind")
    parser.add_argument("--side", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--uri", help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.side:
        begin_log(options.place / "log")
        found = measure(options.place, options.uri, options.guests, options.rounds)
        print(json.dumps(found))
        return 0
    if options.short:
        return told(figures(2, 1), options.json, options.short)
    return told(figures(options.guests, options.rounds), options.json, options.short)


if __name__ == "__main__":
    sys.exit(main())
