"""
A program of Vcycle as another user: ``python -m vcycle.commands.lowered UID GID GROUPS MODULE …``.

The interpreter is started by root and becomes the user only once it has loaded what it needs, so
that it does not matter whether the user could find the interpreter or the package.
"""

from __future__ import annotations

import importlib
import os
import sys

# What the programs load only as they run.
_LATER = ("libvirt",)


def main() -> int:
    """The exit status of ``MODULE``'s ``main``; 1, with the reason printed, if it cannot be run."""
    uid, gid, groups, name, *words = sys.argv[1:]
    module = importlib.import_module(name)
    for later in _LATER:
        try:
            importlib.import_module(later)
        except ImportError:
            # Whoever needs it says so.
            continue
    try:
        os.setgroups([int(group) for group in groups.split(",") if group])
        os.setgid(int(gid))
        os.setuid(int(uid))
    except OSError as error:
        print(f"this process cannot become another user: {error.strerror}")
        return 1
    sys.argv[1:] = words
    status: int = module.main()
    return status


if __name__ == "__main__":
    sys.exit(main())
