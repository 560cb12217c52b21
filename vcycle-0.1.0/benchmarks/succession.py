"""
How long after a guest's end its successor is asked for.

With real guests, which end by themselves, on libvirt's embedded driver; and on libvirt's test
driver, where a second connection destroys machines. The baseline is how long libvirt itself
takes to tell of the end.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Callable

import libvirt
from attrs import Factory as Fresh
from attrs import define
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from benchmarks.exits import Exits
from benchmarks.factory import Factory, begin_log, factory, settings
from benchmarks.figures import Figure, middle, spread, told
from benchmarks.sides import NEST, ask, in_reactor
from demo.guest.build import ready_guest
from vcycle.core.machine import Spec
from vcycle.daemon.factory import BURST, EVERY, FactoryService
from vcycle.daemon.hypervisors import CALL_SECONDS, REPLACEMENTS
from vcycle.daemon.reaping import ReapingService
from vcycle.disks.qemu import QemuDisks
from vcycle.providers.libvirt.embed import root_of
from vcycle.providers.libvirt.provider import CALLS, LibvirtProvider
from vcycle.threads import PrivateThreads

TEST = "test:///default"
TARGET = 0.5
GUESTS, GUEST_MB, SUCCESSIONS = 4, 96, 15
SHORT = 3
PATIENCE = 600.0
# Early cycles are rationed: one for the end, and one for the start of the successor.
APART = 2.2 * EVERY

WORKER = """\
#!/bin/sh
sleep $((15 + RANDOM % 20))
shutdown_message 200 Success
"""
MACHINETYPE = """
[machinetype worker]
target_share = 1
machine_model = vm-direct
kernel = {kernel}
initrd = {initrd}
kernel_arguments = {arguments} vc.md=##metadata_url##
user_data = {place}/user_data
max_wallclock_seconds = 86400
fizzle_seconds = 1
backoff_seconds = 0
"""


@define
class Course:
    """What happened when, on the clock of ``time.perf_counter``: ends by uuid, starts by name."""

    names: dict[str, str] = Fresh(dict)
    told: dict[str, float] = Fresh(dict)
    over: dict[str, float] = Fresh(dict)
    asked: dict[str, list[float]] = Fresh(dict)

    def delays(self, ends: Mapping[str, float]) -> list[float]:
        """From each end to the request for the next machine of that name."""
        found: list[float] = []
        for uuid, at in ends.items():
            later = [asked for asked in self.asked.get(self.names.get(uuid, ""), []) if asked > at]
            if later:
                found.append(min(later) - at)
        return found


class ObservedProvider(LibvirtProvider):
    """Notes each request, and each end as libvirt tells of it."""

    course: Course

    async def create(self, spec: Spec) -> None:
        record = spec.record
        self.course.names[record.uuid] = record.name
        self.course.asked.setdefault(record.name, []).append(time.perf_counter())
        await super().create(spec)

    def _lifecycle(self, uuid: str, event: int, detail: int) -> None:
        if event == libvirt.VIR_DOMAIN_EVENT_STOPPED:
            self.course.told.setdefault(uuid, time.perf_counter())
        super()._lifecycle(uuid, event, detail)


def measure(place: Path, uri: str, successions: int) -> dict[str, Any]:
    """In a process of its own: all delays, in seconds."""
    course = Course()

    async def main(reactor: Any) -> None:
        threads = PrivateThreads(reactor, uri, CALLS, CALL_SECONDS, ceiling=REPLACEMENTS)
        threads.startService()
        provider = ObservedProvider(reactor, uri, threads, time.time)
        provider.course = course
        provider.startService()
        embedded = root_of(uri) is not None
        reaping, exits = ReapingService(reactor), Exits(course.over)
        if embedded:
            reaping.startService()
            exits.start()
        bench = _factory(reactor, place, uri, provider, lambda: service.wake())
        service = FactoryService(reactor, bench.space.cycle_seconds, bench.cycle)
        provider.watch(lambda _: service.wake())
        await bench.empty_cycle()
        service.startService()
        await _until(reactor, lambda: len(course.asked) == GUESTS)
        if embedded:
            await _until(reactor, lambda: len(course.delays(course.over)) >= successions)
        else:
            await _destroy(reactor, course, successions)
        exits.stop()
        service.stopService()
        bench.stop()
        reaping.stopService()
        provider.stopService()
        threads.stopService()

    in_reactor(main)
    return {
        "from_end": course.delays(course.over),
        "from_event": course.delays(course.told),
        "telling": [
            course.told[uuid] - at for uuid, at in course.over.items() if uuid in course.told
        ],
    }


async def _destroy(reactor: Any, course: Course, successions: int) -> None:
    """End the machines one after the other, behind the provider's back."""
    await deferLater(reactor, min(BURST * EVERY, successions * APART))
    connection = await deferToThread(libvirt.open, TEST)

    def end() -> None:
        uuid = next(each for each in course.names if each not in course.over)
        domain = connection.lookupByUUIDString(uuid)
        course.over[uuid] = time.perf_counter()
        domain.destroy()

    for number in range(successions):
        await deferToThread(end)
        await _until(reactor, lambda: len(course.delays(course.over)) > number)  # noqa: B023
        if number + 1 < successions:
            await deferLater(reactor, APART)
    await deferToThread(connection.close)


async def _until(reactor: Any, happened: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        if time.monotonic() > end:
            raise RuntimeError(f"it did not happen within {PATIENCE:.0f} s; see the log")
        await deferLater(reactor, 0.05)


def _factory(
    reactor: Any, place: Path, uri: str, provider: LibvirtProvider, wake: Callable[[], None]
) -> Factory:
    (place / "state").mkdir()
    return factory(
        reactor,
        place / "state",
        settings(uri, GUESTS, GUEST_MB) + (place / "machinetype").read_text("utf-8"),
        provider,
        disks=QemuDisks,
        prepare=provider.prepare,
        wake=wake,
    )


def real_guests(successions: int) -> Iterator[Figure]:
    """Guests that end by themselves."""
    guest = ready_guest()
    with tempfile.TemporaryDirectory(prefix="vcs", dir="/tmp") as name:
        place = Path(name)
        _prepare_place(place, guest.kernel, guest.initrd, guest.arguments)
        found = _ask(place, f"qemu:///embed?root={name}/q", successions, NEST)
    yield _figure("its QEMU's exit, real guests", found["from_end"], found["telling"])
    yield _figure("libvirt's event, real guests", found["from_event"], found["telling"])


def test_driver(successions: int) -> Iterator[Figure]:
    """Machines that are destroyed."""
    with tempfile.TemporaryDirectory(prefix="vcs", dir="/var/tmp") as name:
        place = Path(name)
        for file in ("vmlinuz", "initrd"):
            (place / file).write_bytes(b"x")
        _prepare_place(place, place / "vmlinuz", place / "initrd", "quiet")
        found = _ask(place, TEST, successions, ())
    yield _figure(f"its destruction on {TEST}", found["from_end"], found["telling"])


def _figure(end: str, delays: list[float], telling: list[float]) -> Figure:
    return Figure(
        what=f"From {end}, to its successor's create call",
        value=middle(delays),
        unit="s",
        baseline_is="from the end to libvirt's event of it",
        baseline=middle(telling),
        target=TARGET,
        note=spread(delays),
    )


def _prepare_place(place: Path, kernel: Path, initrd: Path, arguments: str) -> None:
    (place / "user_data").write_text(WORKER, "utf-8")
    text = MACHINETYPE.format(kernel=kernel, initrd=initrd, arguments=arguments, place=place)
    (place / "machinetype").write_text(text, "utf-8")


def _ask(place: Path, uri: str, successions: int, prefix: tuple[str, ...]) -> dict[str, Any]:
    words = ("--place", str(place), "--uri", uri, "--successions", str(successions))
    return ask("benchmarks.succession", "--side", *words, prefix=prefix)


def figures(only: str | None, successions: int) -> Iterator[Figure]:
    """Of both drivers, or of one."""
    if only != "guests":
        yield from test_driver(successions)
    if only != "test":
        yield from real_guests(successions)


def main(words: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.succession", description=__doc__)
    parser.add_argument("--short", action="store_true", help=f"{SHORT} successions of each kind")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--only", choices=("test", "guests"), help="one of the two drivers")
    parser.add_argument("--successions", type=int, default=SUCCESSIONS, help="of each kind")
    parser.add_argument("--side", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--uri", help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.side:
        begin_log(options.place / "log")
        print(json.dumps(measure(options.place, options.uri, options.successions)))
        return 0
    successions = SHORT if options.short else options.successions
    return told(figures(options.only, successions), options.json, options.short)


if __name__ == "__main__":
    sys.exit(main())
