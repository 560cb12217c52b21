"""How long ``check-vcycled`` takes, beside an interpreter that does nothing."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.figures import Figure, middle, spread, told
from tests.core.test_health import status

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "packaging" / "scripts" / "check-vcycled"
ROUNDS, SHORT_ROUNDS = 60, 10
TARGET = 1.5


def _plain_python() -> str:
    """The system's interpreter: that of an environment loads what the environment wants."""
    return "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable


def timed(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Seconds that a command takes."""
    began = time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began


def measure(config: Path, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of the check, and of doing nothing, in turns; compiled as what is installed is."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": cache}
        python = _plain_python()
        check = [python, str(SCRIPT), "600", "--config", str(config)]
        nothing = [python, "-c", "pass"]
        timed(check, environment)
        pairs = [(timed(check, environment), timed(nothing, environment)) for _ in range(rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def ratio(config: Path, rounds: int) -> float:
    """How many times as long it takes."""
    checks, nothings = measure(config, rounds)
    return min(checks) / min(nothings)


def main(words: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.check", description=__doc__)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as name:
        config = Path(name) / "vcycle.conf"
        config.write_text(f"[settings]\nstate_dir = {name}\n", "utf-8")
        now = time.time()
        document = status(heartbeat=now, answered=now)
        document["responder"] = {"heartbeat": now}
        (Path(name) / "status.json").write_text(json.dumps(document), "utf-8")
        checks, nothings = measure(config, SHORT_ROUNDS if options.short else ROUNDS)
    figure = Figure(
        what="check-vcycled, from start to end",
        value=1000 * middle(checks),
        unit="ms",
        baseline_is="python3 -c pass",
        baseline=1000 * middle(nothings),
        target=TARGET,
        relative=True,
        note=f"ms: {spread([1000 * each for each in checks])}",
    )
    return told([figure], options.json, options.short)


if __name__ == "__main__":
    sys.exit(main())
