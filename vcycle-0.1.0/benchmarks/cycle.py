"""
What one cycle costs with many machines: CPU time, the reactor's longest block, memory.

The provider is in memory; store, threads, plan, snapshot and its bytes are the daemon's own.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.task import deferLater

from benchmarks.factory import Factory, begin_log, factory, settings
from benchmarks.figures import Figure, middle, spread, told
from benchmarks.pauses import Pauses
from benchmarks.sides import ask, in_reactor
from vcycle.core.addresses import GuestNetwork
from vcycle.core.machine import Forming, Outcome, Spec, Traces
from vcycle.testing.disks import MemoryDisks
from vcycle.testing.images import MemoryImages
from vcycle.testing.provider import MemoryProvider

CYCLES = 7
REST = 0.3
SIZES = (1_000, 10_000)
SMALL = (300, 3_000)
CPU_TARGET = 1.0
LINEAR = 1.2
"""How much more than in proportion the larger factory may cost."""
BLOCK_TARGET = 50.0
MEMORY_TARGET = 200.0

MACHINETYPES = """
[machinetype {name}]
target_share = {share}
machine_model = vm-raw
root_image = /images/root.img
user_data = /images/user_data
max_wallclock_seconds = 86400
backoff_seconds = 600
fizzle_seconds = 600
heartbeat_file = heartbeat
heartbeat_seconds = 6000000
"""
KINDS = (("alpha", 5), ("beta", 3), ("gamma", 2))


class ForgetfulProvider(MemoryProvider):
    """Keeps of a machine what a provider's client keeps, not what a test wants to see."""

    async def create(self, spec: Spec) -> None:
        await super().create(spec)
        self.specs.clear()


class NoDisks(MemoryDisks):
    """Disks that take nothing, not even memory."""

    async def form(self, wanted: Sequence[Forming]) -> None:
        """Nothing is formed."""


def measure(machines: int, cycles: int) -> dict[str, Any]:
    """In a process of its own: all that is measured with so many machines."""
    found: dict[str, Any] = {}

    async def main(reactor: Any) -> None:
        with tempfile.TemporaryDirectory(prefix="vcb", dir="/var/tmp") as name:
            begin_log(Path(name) / "log")
            bench = _factory(reactor, Path(name), machines)
            try:
                found.update(await _measured(reactor, bench, machines, cycles))
            finally:
                bench.stop()

    in_reactor(main)
    return found


def _factory(reactor: Any, place: Path, machines: int) -> Factory:
    text = settings("test:///default", max(machines, 1), 2048) + "".join(
        MACHINETYPES.format(name=name, share=share) for name, share in KINDS
    )
    return factory(
        reactor,
        place,
        text,
        ForgetfulProvider(clock=time.time),
        disks=lambda files: NoDisks(),
        images=MemoryImages({"/images/root.img": b"x", "/images/user_data": b"#!/bin/sh\n"}),
        network=GuestNetwork.parse("169.254.0.0/16"),
    )


async def _measured(reactor: Any, bench: Factory, machines: int, cycles: int) -> dict[str, Any]:
    pauses = Pauses(reactor)
    await bench.empty_cycle()
    idle = await _idle(reactor, pauses, 1.0)
    empty = resident()
    records = bench.runner.cycle.knowledge.records if bench.runner.cycle else {}
    began, cpu, filling = time.perf_counter(), time.process_time(), {}
    while len(records) < machines:
        pauses.start()
        await bench.cycle()
        await _rest(reactor, bench)
        pauses.stop()
        filling = _noted(pauses)
    fill = {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu, **filling}
    _grow_old(bench)
    await bench.cycle()
    steady, blocks = [], []
    for _ in range(cycles):
        await _rest(reactor, bench)
        cpu = time.process_time()
        await bench.cycle()
        await _rest(reactor, bench)
        steady.append(time.process_time() - cpu)
    for _ in range(cycles):
        pauses.start()
        await bench.cycle()
        await _rest(reactor, bench)
        pauses.stop()
        blocks.append(_noted(pauses))
    began = time.perf_counter()
    bench.sweeper.settle()
    walk = time.perf_counter() - began
    return {
        "machines": machines,
        "walk": walk,
        "empty": empty,
        "resident": resident(),
        "idle": idle,
        "fill": fill,
        "cpu": steady,
        "blocks": blocks,
    }


def _grow_old(bench: Factory) -> None:
    """Each machine has been heard, and had a predecessor."""
    if bench.runner.cycle is None:
        return
    knowledge, now = bench.runner.cycle.knowledge, time.time()
    for record in knowledge.records.values():
        knowledge.traces[record.uuid] = Traces(heartbeat_at=now)
        knowledge.over[record.slot] = evolve(
            record, ended_at=now, outcome=Outcome.COMPLETED, message="200 Success"
        )


def _noted(pauses: Pauses) -> dict[str, float]:
    return {
        "longest": pauses.longest,
        "own": pauses.own,
        "collecting": pauses.collecting,
    }


async def _idle(reactor: Any, pauses: Pauses, seconds: float) -> dict[str, float]:
    pauses.start()
    await deferLater(reactor, seconds)
    pauses.stop()
    return _noted(pauses)


async def _rest(reactor: Any, bench: Factory) -> None:
    """Until the snapshot's bytes are made, which belongs to a cycle but ends after it."""
    await deferLater(reactor, 0.01)
    while bench.published._encoding:
        await deferLater(reactor, 0.01)


def resident() -> float:
    """MB of this process in memory, now."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError("/proc/self/status: no VmRSS in it; this benchmark needs Linux")


def figures(sizes: tuple[int, int], cycles: int) -> Iterator[Figure]:
    """Each size in a process of its own."""
    few, many = (
        ask("benchmarks.cycle", "--side", str(size), "--cycles", str(cycles)) for size in sizes
    )
    yield from _cpu(few, many)
    yield from _blocks(many)
    yield Figure(
        what=f"Walk of the garbage collector over everything, {many['machines']} machines",
        value=many["walk"] * 1000,
        unit="ms",
        baseline_is=f"with {few['machines']} machines",
        baseline=few["walk"] * 1000,
        note="comes only when far more than before is set aside, hardly ever in a steady factory",
    )
    yield Figure(
        what=f"Resident memory, {many['machines']} machines",
        value=many["resident"],
        unit="MB",
        baseline_is="the same without machines",
        baseline=many["empty"],
        target=MEMORY_TARGET,
    )


def _cpu(few: Mapping[str, Any], many: Mapping[str, Any]) -> Iterator[Figure]:
    growth = many["machines"] / few["machines"]
    small, large = middle(few["cpu"]), middle(many["cpu"])
    yield Figure(
        what=f"CPU time of a steady cycle, {many['machines']} machines",
        value=large,
        unit="s",
        baseline_is=f"{growth:g} times that of {few['machines']} machines",
        baseline=small * growth,
        target=CPU_TARGET,
        note=spread(many["cpu"]),
    )
    yield Figure(
        what=f"Growth of that CPU time, {few['machines']} to {many['machines']} machines",
        value=large / small,
        unit="times",
        baseline_is="growth of the machines",
        baseline=growth,
        target=LINEAR,
        relative=True,
    )


def _blocks(many: Mapping[str, Any]) -> Iterator[Figure]:
    idle = many["idle"]["longest"] * 1000
    for what, seen in (
        ("a steady cycle", many["blocks"]),
        ("the cycle that fills it", [many["fill"]]),
    ):
        own = [each["own"] * 1000 for each in seen]
        wall = [each["longest"] * 1000 for each in seen]
        collecting = max(each["collecting"] for each in seen) * 1000
        yield Figure(
            what=f"Reactor's longest block in {what}, {many['machines']} machines",
            value=max(own),
            unit="ms",
            baseline_is="idle reactor, without machines",
            baseline=idle,
            target=BLOCK_TARGET,
            note=f"{spread(own)}; by the wall clock {spread(wall)};"
            f" garbage collection up to {collecting:.0f} ms",
        )


def main(words: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.cycle", description=__doc__)
    parser.add_argument("--short", action="store_true", help=f"{SMALL[1]} machines, fewer cycles")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--sizes", type=int, nargs=2, default=SIZES, help="machines: few, many")
    parser.add_argument("--side", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--cycles", type=int, default=CYCLES, help="cycles of each kind")
    options = parser.parse_args(words)
    if options.side is not None:
        print(json.dumps(measure(options.side, options.cycles)))
        return 0
    few, many = SMALL if options.short else options.sizes
    cycles = 3 if options.short else options.cycles
    return told(figures((few, many), cycles), options.json, options.short)


if __name__ == "__main__":
    sys.exit(main())
