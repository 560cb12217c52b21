"""
How long ``vcycle scan`` takes for a space of a thousand factories, and whether it loses any.

The factories are a few processes, each with many loopback addresses on one port, which read
queries and answer them with the project's own codec. The baseline is a bare loop that sends the
same queries to the same factories, and receives the same answers without looking at them.
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, middle, spread, told
from benchmarks.sides import ROOT
from vcycle.core.errors import MalformedQuery
from vcycle.core.vacquery.decode import decode_query
from vcycle.core.vacquery.encode import cookie_json, encode_query, head, tail
from vcycle.core.vacquery.messages import FactoryStatus, Kind, MachineStatus, Query

SPACE = "vac01.example.com"
FACTORIES = 1000
FEW = 200
SLOTS = 4
PROCESSES = 4
ROUNDS = 5
SECONDS_TARGET = 2.0
BUFFER = 4 * 1024 * 1024
UNDER_WAY = 200
"""Factories that the bare loop has asked and not heard of yet, at most."""

PATIENCE = 60.0


def address(factory: int) -> str:
    """One of as many loopback addresses as are wanted."""
    return f"127.1.{factory // 250}.{factory % 250 + 1}"


def bodies(factory: str, slots: int) -> dict[Kind, list[bytes]]:
    """What a factory with a machine in each slot answers, without the heads."""
    now = int(time.time())
    machines = [
        MachineStatus(
            cookie=None,
            space=SPACE,
            factory=factory,
            num_machines=slots,
            machine=f"factory-{slot:02}.example.com",
            state="Running",
            machine_model="vm-raw",
            uuid="9f0c2f5e-0f5b-4f0e-9a56-3a7c1a1f0b11",
            created_time=now - 7230,
            started_time=now - 7200,
            heartbeat_time=now,
            num_processors=1,
            cpu_seconds=6840,
            cpu_percentage=97.4,
            hs06=10.5,
            machinetype="example",
        )
        for slot in range(slots)
    ]
    status = FactoryStatus(
        cookie=None,
        space=SPACE,
        factory=factory,
        running_processors=slots,
        running_machines=slots,
        max_processors=slots,
        max_machines=slots,
        load_average=1.87,
        kernel_version="5.14.0-503.el9.x86_64",
        factory_heartbeat_time=now,
        mem_used_kb=61234567,
        mem_total_kb=131072000,
    )
    return {Kind.MACHINES: [tail(each) for each in machines], Kind.FACTORY: [tail(status)]}


def serve(first: int, after: int, slots: int, port: int) -> None:
    """Be these factories until the standard input ends."""
    with selectors.DefaultSelector() as selector, ExitStack() as stack:
        for factory in range(first, after):
            made = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            made.bind((address(factory), port))
            made.setblocking(False)
            selector.register(made, selectors.EVENT_READ, bodies(address(factory), slots))
        selector.register(sys.stdin, selectors.EVENT_READ, None)
        print("ready", flush=True)
        while True:
            for key, _ in selector.select():
                if key.data is None:
                    return
                _answer(key.fileobj, key.data)


def _answer(asked: Any, known: dict[Kind, list[bytes]]) -> None:
    try:
        datagram, asker = asked.recvfrom(1025)
        query = decode_query(datagram)
    except (BlockingIOError, MalformedQuery):
        return
    begin = head(cookie_json(query.cookie), int(time.time()))
    for each in known.get(query.kind, ()):
        asked.sendto(begin + each, asker)


@contextmanager
def space(factories: int, slots: int) -> Iterator[int]:
    """The port of so many factories that run until the end."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    processes = []
    try:
        for part in range(PROCESSES):
            first, after = (factories * each // PROCESSES for each in (part, part + 1))
            words = ["--serve", *map(str, (first, after, slots, port))]
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "benchmarks.scan", *words],
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
        for process in processes:
            if process.stdout is None or process.stdout.readline() != b"ready\n":
                raise RuntimeError("a process of factories did not start")
        yield port
    finally:
        for process in processes:
            process.communicate(timeout=PATIENCE)


def bare(factories: int, slots: int, port: int) -> float:
    """Seconds for the same datagrams, to and fro, by a loop that does nothing else."""
    queries = [
        (encode_query(Query(kind=kind, space=SPACE, cookie="0" * 64)), (address(factory), port))
        for factory in range(factories)
        for kind in (Kind.MACHINES, Kind.FACTORY)
    ]
    expected, sent, came = factories * (slots + 1), 0, 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        plain.settimeout(PATIENCE)
        begun = time.perf_counter()
        while came < expected:
            while sent < len(queries) and sent * (slots + 1) / 2 - came < UNDER_WAY:
                plain.sendto(*queries[sent])
                sent += 1
            plain.recvfrom(10240)
            came += 1
        return time.perf_counter() - begun


def scan(config: Path) -> tuple[float, dict[str, Any]]:
    """Seconds that the whole command takes, and what it prints."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "vcycle.commands.main", "scan", "-J", "--config", str(config)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=PATIENCE,
        check=False,
    )
    return time.perf_counter() - begun, json.loads(done.stdout)


def figures(factories: int, slots: int, rounds: int) -> Iterator[Figure]:
    """Scans and bare loops one after the other, of the same factories."""
    whole, asking, plain, lost, silent = [], [], [], 0, 0
    with space(factories, slots) as port, tempfile.TemporaryDirectory() as directory:
        config = Path(directory, "vcycle.conf")
        config.write_text(_configuration(factories, port), encoding="utf-8")
        for _ in range(rounds):
            plain.append(bare(factories, slots, port))
            seconds, seen = scan(config)
            whole.append(seconds)
            asking.append(seen["seconds"])
            silent += len(seen["unreachable"])
            lost += factories * slots - len(seen["machines"])
    size = f"{factories} factories with {slots} machines each"
    yield Figure(
        what=f"The whole command, {size}",
        value=max(whole),
        unit="s",
        baseline_is="bare sendto and recvfrom of the same datagrams",
        baseline=middle(plain),
        target=SECONDS_TARGET,
        note=spread(whole),
    )
    yield Figure(
        what=f"Asking alone, {size}",
        value=middle(asking),
        unit="s",
        baseline_is="bare sendto and recvfrom of the same datagrams",
        baseline=middle(plain),
        note=f"{spread(asking)}; bare {spread(plain)}",
    )
    for what, value, of in (
        ("Factories that did not answer", silent, factories * rounds),
        ("Machines that were lost", lost, factories * slots * rounds),
    ):
        yield Figure(
            what=f"{what}, {size}, {rounds} scans",
            value=value,
            unit="",
            baseline_is="of",
            baseline=of,
            target=0,
        )


def _configuration(factories: int, port: int) -> str:
    names = " ".join(address(factory) for factory in range(factories))
    return (
        f"[settings]\nfactory_name = {address(0)}\nvacquery_port = {port}\n"
        f"factories = {names}\n[space {SPACE}]\n"
    )


def main(words: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.scan", description=__doc__)
    parser.add_argument("--short", action="store_true", help=f"{FEW} factories, fewer scans")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--factories", type=int, default=FACTORIES)
    parser.add_argument("--slots", type=int, default=SLOTS, help="machines of each factory")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how many scans")
    parser.add_argument("--serve", type=int, nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.serve is not None:
        serve(*options.serve)
        return 0
    if options.short:
        return told(figures(FEW, options.slots, 2), options.json, options.short)
    return told(
        figures(options.factories, options.slots, options.rounds), options.json, options.short
    )


if __name__ == "__main__":
    sys.exit(main())
