"""
What a user can reach of the host: ``python -m vcycle.commands.access DEVICE DIRECTORY``.

A program of its own, so that it can be run as another user than the one who asks.
"""

from __future__ import annotations

import json
import os
import sys


def kvm_problem(device: str) -> str | None:
    """Why the KVM device cannot be opened for reading and writing; None if it can."""
    try:
        os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return f"{device}: {error.strerror}"
    return None


def directory_problem(path: str) -> str | None:
    """Why files cannot be made in a directory; None if they can, or if there is none yet."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{path}: {error.strerror}"
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return f"{path} cannot be written"
    return None


def main() -> int:
    """Print both problems as a list in JSON."""
    print(json.dumps([kvm_problem(sys.argv[1]), directory_problem(sys.argv[2])]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
