"""
The long run: 200 factories of 32 slots over a day, by hand.

``python -m tests.stories.long [FACTORIES [SLOTS]]`` prints what it measured, and exits with 1
if that is not what is promised.
"""

from __future__ import annotations

import sys
import time

from tests.stories.drought import drought, machinetypes, plenty
from tests.stories.space import HOUR


def main(arguments: list[str]) -> int:
    """Run it, print, and judge."""
    factories, slots = (*map(int, arguments), *(200, 32)[len(arguments) :])
    space = plenty()
    space.add(factories, machinetypes(), total_processors=slots)
    began, cpu = space.now, time.process_time()
    measured = drought(space, settle=5 * HOUR, watch=2 * HOUR, dry=8.5 * HOUR)
    hours = (space.now - began) / HOUR
    print(f"{factories} factories of {slots} slots, {hours:.1f} hours, {space.cycles} cycles")
    print(f"{time.process_time() - cpu:.0f} s of processor time")
    for line in measured.lines():
        print(line)
    faults = list(measured.faults())
    for fault in faults:
        print(f"NOT AS PROMISED: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
