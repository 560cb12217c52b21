"""
Runs unit tests in a copy of the checkout that has no package, so that the installed one is tested.

``python tests/apart.py [WORDS OF PYTEST]``, with the Python that has it installed. It imports
nothing of the project, as there is no knowing what is installed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Parts that need more than a Python: guests, a system, rpmbuild.
NOT_HERE = ("system", "packages")
LEFT_BEHIND = shutil.ignore_patterns(
    *(".git", ".venv", ".tox", ".cache", ".*_cache", "__pycache__", "*.egg-info"),
    *("build", "dist", "_trial_temp*", "tests.*"),
)


def copied(place: Path) -> None:
    """All of the checkout that tests look at, but for the package."""

    def left_behind(directory: str, names: list[str]) -> set[str]:
        package = {"vcycle"} if Path(directory) == ROOT else set()
        return {*LEFT_BEHIND(directory, names), *package}

    # Links as they are: one that leads back would be followed for ever.
    shutil.copytree(ROOT, place, ignore=left_behind, symlinks=True)


def main() -> int:
    """The words are pytest's; tests are named as they are in the checkout."""
    # A shell has its jobs ignore it, and the commands that are tested would too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "checkout"
        copied(place)
        words = sys.argv[1:]
        if not any(word.startswith("tests") for word in words):
            words = ["tests", *words]
        ignored = [f"--ignore=tests/{part}" for part in NOT_HERE]
        environment = {**os.environ, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
        found = subprocess.run(
            [sys.executable, "-c", "import vcycle; print(vcycle.__file__)"],
            cwd=name,
            env=environment,
            capture_output=True,
            text=True,
        )
        if found.returncode != 0 or Path(found.stdout).parent == ROOT / "vcycle":
            sys.exit(f"No installed package is there to be tested.\n{found.stderr}")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *ignored, *words],
            cwd=place,
            env=environment,
        )
        return done.returncode


if __name__ == "__main__":
    sys.exit(main())
