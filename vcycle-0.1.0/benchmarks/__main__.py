"""Runs every benchmark; exit status 0 if each met its targets, 3 if one missed one, else 1."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.figures import MISSED

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ("cycle", "fill", "succession", "guests", "responder", "scan", "check", "download")


def main(words: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks/run", description=__doc__)
    parser.add_argument("--short", action="store_true", help="small and few, within minutes")
    parser.add_argument("--json", action="store_true", help="for programs: a list from each")
    parser.add_argument("program", nargs="*", help=f"only these, of {', '.join(PROGRAMS)}")
    options = parser.parse_args(words)
    unknown = [program for program in options.program if program not in PROGRAMS]
    if unknown:
        parser.error(f"no such program: {', '.join(unknown)}; there are {', '.join(PROGRAMS)}")
    passed_on = [f"--{word}" for word in ("short", "json") if getattr(options, word)]
    missed: list[str] = []
    broken: list[str] = []
    for program in options.program or PROGRAMS:
        if not options.json:
            print(f"\n=== {program} ===", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{program}", *passed_on]
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        if status:
            (missed if status == MISSED else broken).append(program)
    if missed:
        print(f"Missed a target: {', '.join(missed)}", file=sys.stderr)
    if broken:
        print(f"Broke: {', '.join(broken)}", file=sys.stderr)
        return 1
    return MISSED if missed else 0


if __name__ == "__main__":
    sys.exit(main())
