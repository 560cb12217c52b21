"""
How fast an image is fetched from a server on this host, beside curl in the same run; how much
memory that takes, and how soon other factories are answered meanwhile.

The time of a download ends when the image can be used: hashed, durable and confirmed. curl's ends
when all is written; with sync it is told as well.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import Factory, define, frozen

from benchmarks.answerers import query
from benchmarks.figures import Figure, middle, spread, told
from benchmarks.responder import COOKIES, WAIT_TARGET, percentile, waits
from benchmarks.sides import ROOT
from tests.images.https import Authority
from vcycle.core.vacquery.messages import Kind

MEGABYTES = 2048
SHORT_MEGABYTES = 256
ROUNDS = 5
SHORT_ROUNDS = 2
SPEED_TARGET = 1 / 0.8
"""How much more time than curl a download may take."""

GROWTH_TARGET = 30.0
IDLE_SECONDS = 5.0
PATIENCE = 600.0


@define
class Asked:
    """Milliseconds until queries were answered, and how many were not."""

    answers: list[float] = Factory(list)
    lost: int = 0


@frozen(kw_only=True)
class Fetched:
    """One download, and how soon queries were answered meanwhile."""

    seconds: float
    cpu: float
    growth: float
    asked: Asked


@define
class Ours:
    """The process with our own code."""

    process: subprocess.Popen[str]
    port: int
    queries: list[bytes]

    def fetch(self) -> Fetched:
        """One download, while it is asked again and again."""
        assert self.process.stdin is not None, "a pipe"
        assert self.process.stdout is not None, "a pipe"
        with self.asked() as asked:
            self.process.stdin.write("fetch\n")
            self.process.stdin.flush()
            found = json.loads(self.process.stdout.readline())
        return Fetched(
            seconds=found["seconds"], cpu=found["cpu"], growth=found["growth"], asked=asked
        )

    @contextmanager
    def asked(self) -> Iterator[Asked]:
        """It is asked again and again, as long as this lasts."""
        asked = Asked()
        over = threading.Event()

        def ask() -> None:
            while not over.is_set():
                found, missing = waits(self.port, self.queries, 0.5)
                asked.answers.extend(found)
                asked.lost += missing

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            yield asked
        finally:
            over.set()
            asking.join()


@contextmanager
def running(*words: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that tells its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None, "a pipe"
    try:
        line = process.stdout.readline()
        if not line.strip().isdecimal():
            raise RuntimeError(f"{' '.join(words)}: it said {line!r} instead of its port")
        yield process, int(line)
    finally:
        process.kill()
        process.wait()


def curl(url: str, directory: Path) -> tuple[float, float]:
    """Seconds until curl has ended, and until the file is durable too."""
    place = directory / "curl"
    began = time.perf_counter()
    subprocess.run(
        ["curl", "-sS", "--cacert", str(directory / "ca.pem"), "-o", str(place), url],
        check=True,
        timeout=PATIENCE,
    )
    ended = time.perf_counter() - began
    with place.open("rb") as file:
        os.fsync(file.fileno())
    durable = time.perf_counter() - began
    place.unlink()
    return ended, durable


def figures(megabytes: int, rounds: int) -> Iterator[Figure]:
    """All that is measured; both sides take turns, and the best of each are compared."""
    with tempfile.TemporaryDirectory(prefix="vcb", dir="/var/tmp") as name:
        directory = Path(name)
        certificates = directory / "certificates"
        authority = Authority()
        authority.write(str(certificates))
        shutil.copy(next(certificates.iterdir()), directory / "ca.pem")
        pair = authority.issue()
        (directory / "server.pem").write_bytes(pair.key + pair.certificate)
        served = running("benchmarks.imageserver", str(directory / "server.pem"), str(megabytes))
        with served as (_, port):
            url = f"https://localhost:{port}/image"
            with running("benchmarks.downloader", name, url) as (process, answering):
                queries = [query(Kind.FACTORY, number) for number in range(COOKIES)]
                ours = Ours(process, answering, queries)
                yield from _measured(ours, url, directory, megabytes, rounds)


def _measured(
    ours: Ours, url: str, directory: Path, megabytes: int, rounds: int
) -> Iterator[Figure]:
    idle, _ = waits(ours.port, ours.queries, IDLE_SECONDS)
    pairs = []
    beside: list[float] = []
    for _ in range(rounds):
        os.sync()
        with ours.asked() as asked:
            bare = curl(url, directory)
        beside += asked.answers
        os.sync()
        pairs.append((bare, ours.fetch()))
        shutil.rmtree(directory / "state")
    seconds = [fetched.seconds for _, fetched in pairs]
    bare_seconds = [ended for (ended, _), _ in pairs]
    size = megabytes * (1 << 20) / 1e6
    yield Figure(
        what=f"Time until an image of {megabytes} MiB from a server on this host can be used",
        value=min(seconds),
        unit="s",
        baseline_is="curl, until all is written",
        baseline=min(bare_seconds),
        target=SPEED_TARGET,
        relative=True,
        note=f"{size / min(seconds):.0f} MB a second, beside {size / min(bare_seconds):.0f};"
        f" {spread(seconds)}; curl: {spread(bare_seconds)}, and with fsync"
        f" {spread([durable for (_, durable), _ in pairs])};"
        f" CPU time {middle([fetched.cpu for _, fetched in pairs]):.2f} s",
    )
    yield Figure(
        what="Growth of resident memory while it is fetched, at most",
        value=max(fetched.growth for _, fetched in pairs),
        unit="MB",
        baseline_is="the image",
        baseline=size,
        target=GROWTH_TARGET,
    )
    answers = [each for _, fetched in pairs for each in fetched.asked.answers]
    lost = sum(fetched.asked.lost for _, fetched in pairs)
    yield Figure(
        what="99 % of answers to factory_query come within, while it is fetched",
        value=percentile(answers, 0.99) if not lost else float("inf"),
        unit="ms",
        baseline_is="while curl fetches it",
        baseline=percentile(beside, 0.99),
        target=WAIT_TARGET,
        note=f"half within {middle(answers):.2f} ms, beside {middle(beside):.2f} ms; all within"
        f" {max(answers):.1f} ms, beside {max(beside):.1f} ms; {lost} of"
        f" {len(answers) + lost} lost; while nothing is fetched 99 % within"
        f" {percentile(idle, 0.99):.2f} ms",
    )


def main(words: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.download", description=__doc__)
    parser.add_argument("--short", action="store_true", help=f"{SHORT_MEGABYTES} MiB, few rounds")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--megabytes", type=int, help=f"size in MiB ({MEGABYTES})")
    parser.add_argument("--rounds", type=int, help=f"how often ({ROUNDS})")
    options = parser.parse_args(words)
    megabytes = options.megabytes or (SHORT_MEGABYTES if options.short else MEGABYTES)
    rounds = options.rounds or (SHORT_ROUNDS if options.short else ROUNDS)
    return told(figures(megabytes, rounds), options.json, options.short)


if __name__ == "__main__":
    sys.exit(main())
