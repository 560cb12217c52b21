"""``python -m demo.guest [--iso] [DIRECTORY]``: build the guest and say where it is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from demo.guest.build import ready_guest
from demo.guest.errors import GuestError


def main() -> int:
    """Build, print the parts one a line; 1 with the reason on stderr if that cannot be."""
    parser = argparse.ArgumentParser(prog="python -m demo.guest", description="Build the guest.")
    parser.add_argument("directory", nargs="?", type=Path, help="where to keep it")
    parser.add_argument("--iso", action="store_true", help="make a boot CD as well")
    chosen = parser.parse_args()
    try:
        guest = ready_guest(chosen.directory, chosen.iso, print)
    except GuestError as error:
        print(f"The guest was not built: {error}", file=sys.stderr)
        return 1
    print(f"kernel     {guest.kernel}\ninitrd     {guest.initrd}")
    if guest.iso is not None:
        print(f"iso        {guest.iso}")
    print(f"arguments  {guest.arguments}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
