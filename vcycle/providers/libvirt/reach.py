"""
Whether a libvirt URI answers: ``python -m vcycle.providers.libvirt.reach URI``.

A program of its own, as an attempt to connect can hang for ever, and only a process can be ended.
"""

from __future__ import annotations

import sys


def _quiet(context: object, error: object) -> None:
    """libvirt would write errors to standard error by itself, too."""


def main() -> int:
    """Print what answers and end with 0, or why nothing does and end with 1."""
    try:
        import libvirt
    except ImportError as error:
        print(f"{error}: install the package vcycle, or with pip libvirt-python")
        return 1
    libvirt.registerErrorHandler(_quiet, None)
    try:
        connection = libvirt.open(sys.argv[1])
        version = connection.getLibVersion()
        where = connection.getType()
        connection.close()
    except libvirt.libvirtError as error:
        print(error)
        return 1
    release = f"{version // 1000000}.{version // 1000 % 1000}.{version % 1000}"
    print(f"libvirt {release}, driver {where}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
