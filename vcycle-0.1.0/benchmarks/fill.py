"""
How long it takes to fill a factory from empty, beside a bare loop of libvirt's createXML.

Both sides make the same machines of the same XML, from as many threads, on the same driver.
Disks are made beforehand, and real guests are started paused, in both.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import libvirt
from twisted.internet.task import deferLater

from benchmarks.factory import Factory, begin_log, factory, settings
from benchmarks.figures import Figure, middle, spread, told
from benchmarks.sides import NEST, ask, in_reactor
from demo.guest.build import ready_guest
from vcycle.core.domain import domain_xml
from vcycle.core.machine import Forming, Spec
from vcycle.daemon.hypervisors import CALL_SECONDS, REPLACEMENTS
from vcycle.daemon.perform import AT_ONCE
from vcycle.daemon.reaping import ReapingService
from vcycle.providers.libvirt.capability import capability
from vcycle.providers.libvirt.embed import ready, root_of
from vcycle.providers.libvirt.eventloop import start_event_loop
from vcycle.providers.libvirt.provider import CALLS, LibvirtProvider
from vcycle.testing.disks import MemoryDisks
from vcycle.testing.provider import MemoryProvider
from vcycle.threads import PrivateThreads

TEST = "test:///default"
SLOTS = 50
GUESTS = 24
GUEST_MB = 96
ROUNDS = 7
SHORT = 8
RATIO_TARGET = 1.3
OVERHEAD_TARGET = 10.0

MACHINETYPE = """
[machinetype filler]
target_share = 1
machine_model = vm-direct
kernel = {kernel}
initrd = {initrd}
kernel_arguments = {arguments} vc.md=##metadata_url##
user_data = {place}/user_data
max_wallclock_seconds = 86400
"""


class PremadeDisks(MemoryDisks):
    """Puts disks that were made beforehand into the places of those that are wanted."""

    def __init__(self, place: Path) -> None:
        super().__init__()
        self._premade = deque(sorted((place / "overlays").iterdir()))

    async def form(self, wanted: Sequence[Forming]) -> None:
        """A rename for each."""
        for forming in wanted:
            self._premade.popleft().rename(forming.disk.path)


class TimedProvider(LibvirtProvider):
    """Notes when the last machine was made."""

    made = 0
    made_at = 0.0

    async def create(self, spec: Spec) -> None:
        await super().create(spec)
        self.made += 1
        self.made_at = time.perf_counter()


def _factory(reactor: Any, place: Path, uri: str, machines: int, provider: Any) -> Factory:
    (place / "state").mkdir()
    prepare = provider.prepare if isinstance(provider, LibvirtProvider) else None
    return factory(
        reactor,
        place / "state",
        settings(uri, machines, GUEST_MB) + (place / "machinetype").read_text("utf-8"),
        provider,
        disks=lambda files: PremadeDisks(place),
        prepare=prepare,
    )


def vcycle_side(place: Path, uri: str, machines: int) -> dict[str, float]:
    """Seconds until the factory is full, from the beginning of the cycle that finds it empty."""
    found: dict[str, float] = {}

    async def main(reactor: Any) -> None:
        threads = PrivateThreads(reactor, uri, CALLS, CALL_SECONDS, ceiling=REPLACEMENTS)
        threads.startService()
        reaping = ReapingService(reactor)
        paused = 0 if root_of(uri) is None else libvirt.VIR_DOMAIN_START_PAUSED
        provider = TimedProvider(reactor, uri, threads, time.time, flags=paused)
        provider.startService()
        if root_of(uri) is not None:
            reaping.startService()
        bench = _factory(reactor, place, uri, machines, provider)
        await bench.empty_cycle()
        await deferLater(reactor, 0.5)
        began, cpu = time.perf_counter(), time.process_time()
        await bench.cycle()
        found.update(seconds=provider.made_at - began, cpu=time.process_time() - cpu)
        found["made"] = provider.made
        bench.stop()
        reaping.stopService()
        provider.stopService()
        threads.stopService()

    in_reactor(main)
    return found


def bare_side(place: Path, uri: str, machines: int) -> dict[str, float]:
    """Seconds that the bare loop takes for the machines that Vcycle would make."""
    specs: list[Spec] = []

    async def main(reactor: Any) -> None:
        provider = MemoryProvider(clock=time.time)
        bench = _factory(reactor, place, uri, machines, provider)
        await bench.empty_cycle()
        await bench.cycle()
        specs.extend(provider.specs.values())
        bench.stop()

    in_reactor(main)
    problem = ready(uri)
    if problem is not None:
        raise RuntimeError(problem)
    start_event_loop()
    connection = libvirt.open(uri)
    platform = capability(connection, uri, None).platform
    texts = [domain_xml(spec, platform) for spec in specs]
    paused = 0 if root_of(uri) is None else libvirt.VIR_DOMAIN_START_PAUSED
    with ThreadPoolExecutor(AT_ONCE) as threads:
        began, cpu = time.perf_counter(), time.process_time()
        made = list(threads.map(lambda text: connection.createXML(text, paused), texts))
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "cpu": time.process_time() - cpu, "made": len(made)}


SIDES = {"vcycle": vcycle_side, "bare": bare_side}


def real_guests(guests: int, rounds: int) -> Iterator[Figure]:
    """On libvirt's embedded driver, which has one root for a process's life."""
    guest = ready_guest()
    took: dict[str, list[float]] = {name: [] for name in SIDES}
    with tempfile.TemporaryDirectory(prefix="vcf", dir="/tmp") as name:
        (Path(name) / "cache").mkdir()
        for number in range(rounds):
            for side in _alternately(number):
                place = Path(name) / f"{side}{number}"
                _prepare_place(place, guest.kernel, guest.initrd, guest.arguments)
                _make_overlays(place, guests)
                root = place / "q"
                root.mkdir()
                (root / "cache").symlink_to(Path(name) / "cache")
                uri = f"qemu:///embed?root={root}"
                took[side].append(_ask(side, place, uri, guests, NEST))
    # Both sides of a round met the same load of others on this machine, more or less.
    pairs = sorted(zip(took["vcycle"], took["bare"]), key=lambda pair: pair[0] / pair[1])
    mine, bare = pairs[(len(pairs) - 1) // 2]
    yield Figure(
        what=f"Filling a factory with {guests} real guests of {GUEST_MB} MiB, from empty",
        value=mine,
        unit="s",
        baseline_is=f"bare createXML from {AT_ONCE} threads",
        baseline=bare,
        target=RATIO_TARGET,
        relative=True,
        note=f"the round of the median ratio; ratios {spread([a / b for a, b in pairs])};"
        f" least of all {min(took['vcycle']):.2f} s and {min(took['bare']):.2f} s",
    )


def test_driver(slots: int, rounds: int) -> Iterator[Figure]:
    """On libvirt's test driver, where machines cost next to nothing."""
    took: dict[str, list[float]] = {name: [] for name in SIDES}
    with tempfile.TemporaryDirectory(prefix="vcf", dir="/var/tmp") as name:
        for number in range(rounds):
            for side in _alternately(number):
                place = Path(name) / f"{side}{number}"
                _prepare_place(place, place / "vmlinuz", place / "initrd", "quiet")
                (place / "vmlinuz").write_bytes(b"x")
                (place / "initrd").write_bytes(b"x")
                took[side].append(_ask(side, place, TEST, slots, ()) / slots * 1000)
    overheads = [mine - bare for mine, bare in zip(took["vcycle"], took["bare"])]
    yield Figure(
        what=f"Overhead per machine, {slots} machines on {TEST}, durable record included",
        value=middle(overheads),
        unit="ms",
        baseline_is="bare createXML, per machine",
        baseline=middle(took["bare"]),
        target=OVERHEAD_TARGET,
        note=f"Vcycle {spread(took['vcycle'])} ms per machine",
    )


def _alternately(number: int) -> list[str]:
    """Each side is the first as often as the other."""
    sides = list(SIDES)
    return sides if number % 2 else sides[::-1]


def _prepare_place(place: Path, kernel: Path, initrd: Path, arguments: str) -> None:
    (place / "overlays").mkdir(parents=True)
    (place / "user_data").write_text("#!/bin/sh\nheartbeat\n", "utf-8")
    text = MACHINETYPE.format(kernel=kernel, initrd=initrd, arguments=arguments, place=place)
    (place / "machinetype").write_text(text, "utf-8")


def _make_overlays(place: Path, guests: int) -> None:
    image = place / "root.raw"
    with image.open("wb") as file:
        file.truncate(1 << 24)
    with (place / "machinetype").open("a", encoding="utf-8") as file:
        file.write(f"root_image = {image}\n")
    for number in range(guests):
        overlay = place / "overlays" / f"{number}.qcow2"
        command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw"]
        subprocess.run([*command, "-b", str(image), str(overlay)], check=True)


def _ask(side: str, place: Path, uri: str, machines: int, prefix: tuple[str, ...]) -> float:
    words = ("--side", side, "--place", str(place), "--uri", uri, "--machines", str(machines))
    answer = ask("benchmarks.fill", *words, prefix=prefix)
    if answer["made"] != machines:
        log = (place / "log").read_text("utf-8")[-1000:]
        raise RuntimeError(f"{side}: {answer['made']} of {machines} machines were made\n{log}")
    return float(answer["seconds"])


def figures(only: str | None, guests: int, slots: int, rounds: int) -> Iterator[Figure]:
    """Of both drivers, or of one."""
    if only != "guests":
        yield from test_driver(slots, rounds)
    if only != "test":
        yield from real_guests(guests, rounds)


def main(words: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.fill", description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer guests and rounds")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--only", choices=("test", "guests"), help="one of the two drivers")
    parser.add_argument("--guests", type=int, default=GUESTS, help="real guests")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="runs of each side")
    parser.add_argument("--side", choices=sorted(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--uri", help=argparse.SUPPRESS)
    parser.add_argument("--machines", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.side is not None:
        begin_log(options.place / "log")
        print(json.dumps(SIDES[options.side](options.place, options.uri, options.machines)))
        return 0
    guests, rounds = (SHORT, 2) if options.short else (options.guests, options.rounds)
    return told(figures(options.only, guests, SLOTS, rounds), options.json, options.short)


if __name__ == "__main__":
    sys.exit(main())
