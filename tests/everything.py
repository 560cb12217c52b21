"""Runs every kind of test there is, one part after another, and adds up what they said."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Callable

from attrs import frozen

from benchmarks.figures import MISSED
from tests.pythons import chosen, interpreters, told

ROOT = Path(__file__).resolve().parent.parent
# Seconds in a part that is not expected to take nearly as long.
PATIENCE = 900.0


@frozen
class Count:
    """How many tests passed, and how many did not: failed, broke, or did not run."""

    passed: int
    failed: int

    def __add__(self, other: Count) -> Count:
        return Count(self.passed + other.passed, self.failed + other.failed)


@frozen
class Step:
    """
    One command. ``tests`` if it is pytest; else its exit status is one test, passed if it is
    one of ``good``.
    """

    command: tuple[str, ...]
    tests: bool = False
    good: tuple[int, ...] = (0,)

    def run(
        self, directory: Path, patience: float = PATIENCE, output: IO[bytes] | None = None
    ) -> Count:
        """
        Run it with its output shown, or put into ``output``, and count; what runs over
        ``patience`` has failed.
        """
        report = directory / "report.xml"
        report.unlink(missing_ok=True)
        command = [*self.command, *([f"--junitxml={report}"] if self.tests else [])]
        process = subprocess.Popen(
            command,
            # Tests leave their files in the current directory.
            cwd=directory if self.tests else ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)} if self.tests else None,
            start_new_session=True,
            stdout=output,
            stderr=output,
        )
        try:
            status = process.wait(patience)
        except subprocess.TimeoutExpired:
            print(f"Over {patience:.0f} seconds, ended: {' '.join(command)}", flush=True)
            status = 1
        finally:
            # Also what it left running.
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()
        if not self.tests:
            return Count(int(status in self.good), int(status not in self.good))
        counted = counted_in(report)
        # A broken collection, or a crash, fails without naming a test.
        if status != 0 and counted.failed == 0:
            return counted + Count(0, 1)
        return counted


@frozen
class Beside:
    """One step beside others; what it says is shown when all have ended."""

    one: Step
    others: tuple[Step, ...]

    def run(self, directory: Path) -> Count:
        apart = directory / "apart"
        apart.mkdir(exist_ok=True)
        with tempfile.TemporaryFile() as said, ThreadPoolExecutor(1) as beside:
            later = beside.submit(self.one.run, apart, output=said)
            count = sum((step.run(directory) for step in self.others), Count(0, 0))
            count += later.result()
            said.seek(0)
            print(said.read().decode("utf-8", "replace"), flush=True)
        return count


def counted_in(report: Path) -> Count:
    """What pytest reported. A test that was skipped did not run, which is a failure here."""
    try:
        suites = ElementTree.parse(report).getroot().iter("testsuite")
    except (OSError, ElementTree.ParseError):
        return Count(0, 1)
    total = failed = 0
    for suite in suites:
        total += int(suite.get("tests", 0))
        failed += sum(int(suite.get(word, 0)) for word in ("failures", "errors", "skipped"))
    return Count(total - failed, failed)


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def python(*words: str) -> Step:
    """A step that is a Python module."""
    return Step((sys.executable, "-m", *words))


def pytest(*words: str) -> Step:
    """A step that is tests."""
    return Step((*_PYTEST, *words), tests=True)


_PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")


def style() -> Iterator[Step]:
    yield python("ruff", "check", ".")
    yield python("ruff", "format", "--check", ".")


def types() -> Iterator[Step]:
    yield python("mypy", "vcycle", "tests", "demo", "benchmarks")


def unit() -> Iterator[Beside]:
    """The stories, whose simulated weeks take as long as all the others, beside those."""
    tests, stories = str(ROOT / "tests"), str(ROOT / "tests/stories")
    apart = (f"--ignore={each}" for each in (f"{tests}/system", f"{tests}/packages", stories))
    yield Beside(pytest(stories), (pytest(tests, *apart),))


# What waits for minutes for machines whose fate is not known, and what waits for other things.
_PATIENT = "test_kills"
_MEANWHILE = ("test_foreign", "test_libvirtd")


def system() -> Iterator[Step | Beside]:
    """Each module by itself: libvirt's embedded driver has one root for a process's life."""
    # Built where there is a network, and kept: guests live where there is none.
    yield python("demo.guest", "--iso")
    yield python("tests.system.cloudimage")
    modules = {path.stem: path for path in sorted((ROOT / "tests/system").glob("test_*.py"))}
    beside = (
        _nested(modules.pop(_PATIENT)),
        tuple(_nested(modules.pop(each)) for each in _MEANWHILE),
    )
    for module in modules.values():
        yield _nested(module)
    yield Beside(*beside)


def _nested(module: Path) -> Step:
    return Step((*_NEST, *_PYTEST, str(module)), tests=True)


def cloud() -> Iterator[Step]:
    yield python("demo.guest", "--iso")
    yield python("tests.system.cloudimage")
    yield _nested(ROOT / "tests/system/cloudvariants.py")


# Namespaces of its own for network, mounts and processes: guests reach nothing but the test,
# and nothing is left when it ends.
_NEST = (
    "unshare",
    *([] if os.geteuid() == 0 else ["--user", "--map-current-user"]),
    *("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
    *(sys.executable, "-m", "tests.system.nest"),
)


def pythons() -> Iterator[Step | Beside]:
    """Other Pythons, as far as they are found, and the lowest versions; the rest is by hand."""
    found = interpreters()
    print(told(found), flush=True)
    steps = [
        Step(
            (
                *(sys.executable, "-m", "tests.pythons", "--quick"),
                *("--python", version, "--with", versions),
            ),
            tests=True,
        )
        for version, versions in chosen(found)
    ]
    yield from [Beside(steps[0], tuple(steps[1:]))] if len(steps) > 1 else steps


def packages() -> Iterator[Step]:
    yield python("tests.wheel")
    yield pytest(str(ROOT / "tests/packages"))


def demo() -> Iterator[Step]:
    yield python("tests.demonstration")


def benchmarks() -> Iterator[Step]:
    """They have to run; a target that a busy machine misses is told, and no failure here."""
    yield Step((str(ROOT / "benchmarks/run"), "--short"), good=(0, MISSED))


PARTS: dict[str, Callable[[], Iterator[Step | Beside]]] = {
    "style": style,
    "types": types,
    "unit": unit,
    "pythons": pythons,
    "system": system,
    "packages": packages,
    "demo": demo,
    "benchmarks": benchmarks,
    "cloud": cloud,
}
# All ways to a cloud image take minutes, of which the system tests go one.
_USUAL = tuple(part for part in PARTS if part != "cloud")
QUICK = ("style", "types", "unit")


def main(words: Sequence[str] | None = None) -> int:
    """The command line; 0 only if everything ran and passed."""
    parser = argparse.ArgumentParser(prog="tests/run", description="Test everything.")
    parser.add_argument("--quick", action="store_true", help=f"only {', '.join(QUICK)}")
    parser.add_argument("part", nargs="*", help=f"only these, of {', '.join(PARTS)}")
    arguments = parser.parse_args(words)
    unknown = [part for part in arguments.part if part not in PARTS]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    chosen = arguments.part or (QUICK if arguments.quick else _USUAL)
    # A shell has its jobs ignore it, and the commands that are tested would too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    counts, spans = {}, {}
    with tempfile.TemporaryDirectory() as name:
        for part in chosen:
            print(f"\n=== {part} ===", flush=True)
            began = time.monotonic()
            counts[part] = sum((step.run(Path(name)) for step in PARTS[part]()), Count(0, 0))
            spans[part] = time.monotonic() - began
    print()
    for part, count in counts.items():
        print(f"{part:<12} {count.passed:>5} passed {count.failed:>4} failed {spans[part]:>6.0f} s")
    total = sum(counts.values(), Count(0, 0))
    print(f"{total.passed} passed, {total.failed} failed")
    return 0 if total.failed == 0 and total.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
