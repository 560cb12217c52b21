"""
Lends a virtual environment the distribution's libvirt binding, and nothing else.

``/usr/bin/python3 demo/borrow.py SITE_PACKAGES``. The binding is compiled for the system's
libvirt, so PyPI's would need a compiler and headers. But an environment that sees all packages of
the distribution mixes old ones with new ones, which do not bear each other.
"""

from __future__ import annotations

import sys
from pathlib import Path

PATTERNS = ("libvirt*.py", "libvirtmod*.so", "libvirt_python-*")


def lend(target: Path) -> int:
    """Link the binding that this interpreter imports into a directory; how many links."""
    import libvirt

    source = Path(libvirt.__file__).parent
    found = [path for pattern in PATTERNS for path in source.glob(pattern)]
    for path in found:
        link = target / path.name
        link.unlink(missing_ok=True)
        link.symlink_to(path.resolve())
    return len(found)


if __name__ == "__main__":
    sys.exit(0 if lend(Path(sys.argv[1])) else 1)
