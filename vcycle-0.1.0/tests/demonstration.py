"""
Runs the demonstration for a while and looks at what it showed and at what it left.

``python -m tests.demonstration [SECONDS]``: 0 if a stranger would have seen what is promised.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Long enough for a worker's minute on a busy machine without hardware support.
SECONDS = 150.0

PROMISED = {
    "a machine is created": r"created in ",
    "work ends well": r"200 Success",
    "no work is found": r"300 No more work",
    "a machine fizzles": r"\(fizzler\) fizzled",
    "the way guests run is told": r"with (KVM|TCG)",
    "nothing is left": r"nothing is left",
}


def main(seconds: float) -> int:
    """Run it, and compare."""
    done = subprocess.run(
        [str(ROOT / "demo/run"), "--seconds", str(seconds)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds + 600,
    )
    print(done.stdout)
    missing = [what for what, said in PROMISED.items() if not re.search(said, done.stdout)]
    if done.returncode != 0:
        missing.append(f"exit status 0, not {done.returncode}")
    left = [str(path) for path in Path("/tmp").glob("vc*/demonstration.json")]
    if left:
        missing.append(f"no leavings, not {left}")
    for what in missing:
        print(f"The demonstration did not show: {what}.")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
