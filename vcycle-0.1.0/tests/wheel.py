"""
Builds the wheel as a distributor does, from the sdist, and tries it where nothing else is.

``python -m tests.wheel``: 0 if the installed daemon and its plugin are all there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

from demo.borrow import lend

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str, cwd: Path | None = None) -> str:
    """What a command prints; it must succeed, and else all that it said is shown."""
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> int:
    """Build, look into it, install it, ask for the plugin."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        # The sdist is built first, and the wheel from the sdist.
        run(sys.executable, "-m", "build", "-o", str(place), str(ROOT))
        (wheel,) = place.glob("*.whl")
        names = zipfile.ZipFile(wheel).namelist()
        expect("twisted/plugins/vcycle_plugin.py" in names, "the plugin is missing")
        # Those two would overwrite Twisted's own, and take it along when they are removed.
        expect("twisted/__init__.py" not in names, "twisted/__init__.py is in it")
        expect("twisted/plugins/__init__.py" not in names, "twisted/plugins/__init__.py is in it")
        stray = sorted({n.split("/")[0] for n in names if not n.startswith(("vcycle", "twisted/"))})
        expect(not stray, f"it holds {stray}")
        environment = place / "environment"
        venv.create(environment, with_pip=True)
        binary = environment / "bin"
        lend(next(environment.glob("lib/python*/site-packages")))
        run(str(binary / "python"), "-m", "pip", "install", "-q", str(wheel), cwd=place)
        listed = run(str(binary / "twistd"), "--help", cwd=place)
        expect("vcycle" in listed, "twistd does not list vcycle")
        run(str(binary / "twistd"), "vcycle", "--help", cwd=place)
        run(str(binary / "vcycled"), "--help", cwd=place)
        run(str(binary / "vcycle"), "--help", cwd=place)
        run(str(binary / "check-vcycled"), "--help", cwd=place)
        # What is taken away again was ours alone.
        run(str(binary / "python"), "-m", "pip", "uninstall", "-q", "-y", "vcycle", cwd=place)
        left = run(str(binary / "twistd"), "--help", cwd=place)
        expect("vcycle" not in left, "twistd still lists vcycle")
        expect("web" in left, "Twisted is not whole any more")
    print("The wheel is right: twistd lists vcycle, all commands answer, Twisted stays whole.")
    return 0


def expect(truth: bool, otherwise: str) -> None:
    """End with a reason unless something holds of the wheel."""
    if not truth:
        sys.exit(f"The wheel is wrong: {otherwise}.")


if __name__ == "__main__":
    sys.exit(main())
