"""
How many queries the responder answers, and how soon: beside a bare Twisted server that sends
answers of the same size, and while cycles of a factory with a thousand machines run.

Servers are processes of their own, this one is the load. Each round asks both servers. No two
queries are the same: each has a cookie of its own.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import Factory, define, frozen

from benchmarks.answerers import LOCALHOST, MACHINES, cookie, query
from benchmarks.figures import Figure, middle, spread, told
from benchmarks.sides import ROOT
from vcycle.core.vacquery.messages import Kind

ROUNDS = 25
SECONDS = 0.4
WAIT_SECONDS = 20.0
UNDER_WAY = 64
"""Queries that were sent and are not answered yet, where as many as possible are asked."""

PACE = 250
"""Queries a second, where it is measured how soon they are answered."""

RATE_TARGET = 1 / 0.8
"""How much more time than the bare server the responder may take for a query."""

WAIT_TARGET = 20.0
LOST_SECONDS = 0.5
COOKIES = 20_000
COOKIE_BYTES = 64


@define
class Server:
    """A server under load; ``lines`` is what it said since."""

    process: subprocess.Popen[str]
    port: int
    lines: list[str] = Factory(list)

    def cpu(self) -> float:
        """Seconds of CPU time that it took so far."""
        fields = (
            Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        )
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def server(what: str) -> Iterator[Server]:
    """A server of benchmarks.answerers."""
    command = [sys.executable, "-m", "benchmarks.answerers", what]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None, "it is a pipe"
    try:
        line = process.stdout.readline()
        if not line.strip().isdecimal():
            raise RuntimeError(f"{' '.join(command)}: it said {line!r} instead of its port")
        running = Server(process, int(line))
        yield running
        process.terminate()
        running.lines.extend(process.stdout.read().splitlines())
    finally:
        process.kill()
        process.wait()


def asking(port: int) -> socket.socket:
    """A socket that asks this port."""
    asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    asker.connect((LOCALHOST, port))
    asker.settimeout(LOST_SECONDS)
    return asker


@frozen
class Rate:
    """Microseconds for each answer: by the clock, and of the server's CPU time."""

    wall: float
    cpu: float
    lost: int


def rate(of: Server, queries: list[bytes], seconds: float) -> Rate:
    """As many as it can, UNDER_WAY at a time."""
    got = lost = sent = 0
    with asking(of.port) as asker:
        cpu, began = of.cpu(), time.perf_counter()
        for _ in range(UNDER_WAY):
            asker.send(queries[sent % COOKIES])
            sent += 1
        while time.perf_counter() - began < seconds:
            try:
                for _ in range(100):
                    asker.recv(4096)
                    got += 1
                    asker.send(queries[sent % COOKIES])
                    sent += 1
            except socket.timeout:
                lost += UNDER_WAY
                for _ in range(UNDER_WAY):
                    asker.send(queries[sent % COOKIES])
                    sent += 1
        took, cpu = time.perf_counter() - began, of.cpu() - cpu
    return Rate(took / got * 1e6, cpu / got * 1e6, lost)


def waits(port: int, queries: list[bytes], seconds: float) -> tuple[list[float], int]:
    """
    Milliseconds until each answer of PACE queries a second, from when its query was due; and how
    many were lost. An answer without its query's cookie is that of the oldest one.
    """
    found: list[float] = []
    due: dict[bytes, float] = {}
    with asking(port) as asker:
        began = time.perf_counter()
        sent, number = 0, int(seconds * PACE)
        while len(found) < number:
            now = time.perf_counter()
            while sent < number and now >= began + sent / PACE:
                asker.send(queries[sent])
                due[cookie(sent).encode()] = began + sent / PACE
                sent += 1
            following = began + sent / PACE if sent < number else now + LOST_SECONDS
            asker.settimeout(max(1e-4, following - time.perf_counter()))
            try:
                echoed = asker.recv(4096)[len('{"cookie":"') :][:COOKIE_BYTES]
                since = due.pop(echoed if echoed in due else next(iter(due)))
                found.append((time.perf_counter() - since) * 1000)
            except socket.timeout:
                if sent == number:
                    break
    return found, len(due)


def whole(port: int, rounds: int) -> tuple[list[float], int]:
    """Microseconds for each datagram of a machines_query's answer, and how many were lost."""
    found, lost = [], 0
    with asking(port) as asker:
        for number in range(rounds):
            began, got = time.perf_counter(), 0
            asker.send(query(Kind.MACHINES, number))
            try:
                while got < MACHINES:
                    asker.recv(4096)
                    got += 1
            except socket.timeout:
                lost += MACHINES - got
                continue
            found.append((time.perf_counter() - began) / MACHINES * 1e6)
    return found, lost


def percentile(values: list[float], share: float) -> float:
    """The value that ``share`` of all are not above."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def figures(rounds: int, seconds: float, wait_seconds: float) -> Iterator[Figure]:
    """All that is measured."""
    queries = [query(Kind.FACTORY, number) for number in range(COOKIES)]
    with server("echo") as bare, server("responder") as ours:
        pairs = [
            (rate(bare, queries, seconds), rate(ours, queries, seconds)) for _ in range(rounds)
        ]
        idle, _ = waits(bare.port, queries, wait_seconds / 4)
        alone, _ = waits(ours.port, queries, wait_seconds / 4)
        each, lost = whole(ours.port, rounds)
    yield from _rates(pairs)
    yield Figure(
        what=f"Time for each datagram of a machines_query's answer, {MACHINES} of them",
        value=min(each),
        unit="us",
        baseline_is="bare Twisted server, a query and an answer",
        baseline=min(bare.wall for bare, _ in pairs),
        note=f"{spread(each)}; {lost} lost",
    )
    with server("cycles") as busy:
        found, lost = waits(busy.port, queries, wait_seconds)
    cycles = [float(line) for line in busy.lines if line]
    yield Figure(
        what=f"99 % of answers come within, while cycles of {MACHINES} machines run",
        value=percentile(found, 0.99) if not lost else float("inf"),
        unit="ms",
        baseline_is="bare Twisted server, idle",
        baseline=percentile(idle, 0.99),
        target=WAIT_TARGET,
        note=f"half within {statistics.median(found):.2f} ms, all within {max(found):.1f} ms,"
        f" {lost} of {len(found) + lost} lost; {len(cycles)} cycles,"
        f" of {middle(cycles):.2f} s each; the responder alone: {percentile(alone, 0.99):.2f} ms",
    )


def _rates(pairs: list[tuple[Rate, Rate]]) -> Iterator[Figure]:
    """The best rounds of both: others are of what else the machine had to do."""
    for what, bare, ours in (
        ("Time for each factory_query", [b.wall for b, _ in pairs], [o.wall for _, o in pairs]),
        ("CPU time for each factory_query", [b.cpu for b, _ in pairs], [o.cpu for _, o in pairs]),
    ):
        lost = sum(rate.lost for pair in pairs for rate in pair)
        yield Figure(
            what=what,
            value=min(ours),
            unit="us",
            baseline_is="bare Twisted server",
            baseline=min(bare),
            target=RATE_TARGET,
            relative=True,
            note=f"{1e6 / min(ours):.0f} a second, beside {1e6 / min(bare):.0f};"
            f" {spread(ours)}; beside {spread(bare)}; {lost} lost",
        )


def main(words: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.responder", description=__doc__)
    parser.add_argument("--short", action="store_true", help="few rounds of a second")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(words)
    rounds, wait_seconds = (7, 4.0) if options.short else (ROUNDS, WAIT_SECONDS)
    return told(figures(rounds, SECONDS, wait_seconds), options.json, options.short)


if __name__ == "__main__":
    sys.exit(main())
