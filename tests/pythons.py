"""
Runs the unit tests with each supported Python that is found, and the wheel installed in it.

``python -m tests.pythons`` does so with the newest packages and with the lowest versions, which
takes an hour; ``--python 3.9 --with lowest`` is that one alone, and ``--quick`` only what is most
of packages and of the Python. Other words are for pytest.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from demo.borrow import lend

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = ("3.9", "3.10", "3.11", "3.12", "3.13")
LOWEST, NEWEST = "lowest", "newest"
# The Python of the distribution, whose binding of libvirt need not be built.
SYSTEM = "/usr/bin/python3"
# What the unit tests themselves import or run.
TESTERS = ROOT / "tests" / "requirements.txt"
# Where packages are used most, and where Pythons differ; not what takes long everywhere.
QUICK = (
    *("tests/commands", "tests/contracts", "tests/core/config", "tests/credentials"),
    *("tests/daemon", "tests/disks", "tests/guests", "tests/images", "tests/monitor"),
    *("tests/vacquery", "tests/stories/test_pipes.py", "--deselect=tests/daemon/test_fence.py"),
)
# They become a user who has to find the interpreter too.
UNPRIVILEGED = (
    "tests/daemon/test_fence.py::Entering::test_unprivileged",
    "tests/daemon/test_fence.py::Joining::test_beside_survivors",
    "tests/daemon/test_wayout.py::WayOutTests::test_user",
)


def interpreters() -> dict[str, Path]:
    """Of each supported version the first interpreter that can be used."""
    found: dict[str, Path] = {}
    builds = subprocess.run(
        ["sh", "-c", "gcc --version && pkg-config libvirt"], capture_output=True
    )
    for version in SUPPORTED:
        for candidate in _candidates(version):
            if version in found or not _answers(candidate, version):
                continue
            if candidate == Path(SYSTEM) or (builds.returncode == 0 and _has_headers(candidate)):
                found[version] = candidate
    return found


def _candidates(version: str) -> Iterator[Path]:
    yield Path(SYSTEM)
    for directory in os.get_exec_path():
        yield Path(directory) / f"python{version}"
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions"
    yield from sorted(pyenv.glob(f"{version}.*/bin/python{version}"))
    data = Path(os.environ.get("XDG_DATA_HOME", home / ".local/share"))
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", data / "uv/python"))
    yield from sorted(uv.glob(f"cpython-{version}.*/bin/python{version}"))


def _answers(interpreter: Path, version: str) -> bool:
    """Whether it is of a version, and can make environments: what stands in for one does not."""
    program = "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"
    return _said(interpreter, program) == version


def _has_headers(interpreter: Path) -> bool:
    program = "import sysconfig; print(sysconfig.get_path('include'))"
    return Path(_said(interpreter, program), "Python.h").exists()


def _said(interpreter: Path, program: str) -> str:
    try:
        done = subprocess.run(
            [str(interpreter), "-c", program], capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def constraints(version: str) -> Path:
    """The lowest versions for a Python, as pip reads them."""
    return ROOT / "packaging" / "lowest" / f"py{version.replace('.', '')}.txt"


def chosen(found: Mapping[str, Path]) -> list[tuple[str, str]]:
    """
    What a short run tries: the oldest Python with the lowest versions, and the newest one with the
    newest, which with the distribution's own is what the unit tests are.
    """
    versions = [version for version in SUPPORTED if version in found]
    if not versions:
        return []
    several = found[versions[-1]] != Path(SYSTEM)
    return [(versions[0], LOWEST), *([(versions[-1], NEWEST)] if several else [])]


def told(found: Mapping[str, Path]) -> str:
    """Which are there, and which are not and so not tested."""
    missing = ", ".join(version for version in SUPPORTED if version not in found)
    lines = [f"Python {version} is {path}" for version, path in found.items()]
    if missing:
        lines.append(
            f"Not found with what it takes to build libvirt's binding, so not tested: {missing}"
        )
    return "\n".join(lines)


def prepared(interpreter: Path, version: str, versions: str, wheel: Path, place: Path) -> Path:
    """An environment with the wheel and what tests need in it; its interpreter."""
    _do(interpreter, "-m", "venv", place)
    python = place / "bin" / "python"
    pip: list[str | Path] = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    _do(*pip, "--upgrade", "pip")
    limits: list[str | Path] = ["-c", constraints(version)] if versions == LOWEST else []
    if interpreter == Path(SYSTEM):
        lend(next(place.glob("lib/python*/site-packages")))
    else:
        # What pip keeps of it may be of another libvirt.
        _do(*pip, "--no-cache-dir", *limits, "libvirt-python")
    _do(*pip, *limits, f"{wheel}[iso,metrics]", "-r", TESTERS)
    packages = subprocess.run(
        [python, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    ).stdout
    names = re.findall(r"^(\S+)==", constraints(version).read_text("utf-8"), re.MULTILINE)
    of_interest = {re.sub("[-_.]+", "-", name).lower() for name in names}
    lines = [
        line
        for line in packages.split()
        if re.sub("[-_.]+", "-", line.partition("==")[0]).lower() in of_interest
    ]
    print(f"Python {version}, {versions}: {' '.join(lines)}", flush=True)
    return python


def tried(interpreter: Path, version: str, versions: str, words: Sequence[str]) -> int:
    """pytest's exit status in an environment of its own."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        # Users without rights run it as well.
        place.chmod(0o755)
        wheels = place / "wheels"
        # By way of the sdist, which leaves nothing in the checkout; but only one at a time.
        with (ROOT / "setup.py").open() as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            _do(sys.executable, "-m", "build", "-o", wheels, ROOT)
        (wheel,) = wheels.glob("*.whl")
        python = prepared(interpreter, version, versions, wheel, place / "environment")
        return subprocess.run([python, ROOT / "tests/apart.py", *words], cwd=place).returncode


def unreached(interpreter: Path) -> tuple[str, ...]:
    """What cannot be tried with an interpreter that other users cannot reach, in a home say."""
    real = interpreter.resolve()
    if all(each.stat().st_mode & 0o001 for each in (real, *real.parents)):
        return ()
    print(f"Other users cannot run {real}, so not tested: {' '.join(UNPRIVILEGED)}", flush=True)
    return tuple(f"--deselect={test}" for test in UNPRIVILEGED)


def _do(*words: str | Path) -> None:
    """A command that has to succeed; else what it said is shown."""
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in words],
        env=clean,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))} failed:\n{done.stdout}")


def main(words: Sequence[str] | None = None) -> int:
    """0 only if all that was tried passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.pythons")
    parser.add_argument("--quick", action="store_true", help="not all unit tests")
    parser.add_argument("--junitxml", help="a file for pytest's report")
    parser.add_argument("--python", choices=SUPPORTED, help="only this one")
    parser.add_argument(
        "--with", dest="versions", choices=(LOWEST, NEWEST), help="packages of only these versions"
    )
    arguments, others = parser.parse_known_args(words)
    found = interpreters()
    print(told(found), flush=True)
    failed = []
    for version in SUPPORTED:
        if version not in found or arguments.python not in (None, version):
            continue
        for versions in (NEWEST, LOWEST):
            if arguments.versions not in (None, versions):
                continue
            more = [*(QUICK if arguments.quick else ()), *unreached(found[version])]
            more += [f"--junitxml={arguments.junitxml}"] if arguments.junitxml else []
            if tried(found[version], version, versions, [*more, *others]) != 0:
                failed.append(f"{version} {versions}")
    if failed:
        print(f"Failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
