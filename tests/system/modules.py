"""The guest with more drivers than it needs to live: an archive of modules behind its own."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Sequence
from pathlib import Path

from demo.guest import packages
from demo.guest.archive import Initramfs
from demo.guest.build import Guest
from demo.guest.modules import in_load_order, modules_under

# To begin a script with that uses them.
LOADS = "while read -r module; do insmod /more/$module.ko; done < /more/order\n"


def with_modules(guest: Guest, kept: Path, wanted: Sequence[str], target: Path) -> Path:
    """
    An initramfs of the guest's own and the modules of its kernel; ``kept`` is where the guest
    was built, with the packages that it was built from.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        root = Path(name)
        for package in kept.glob("packages/linux-image-*.deb"):
            packages.here().unpack(package, root)
        modules = in_load_order(wanted, modules_under(root))
    tree = Initramfs()
    tree.directory("more")
    for module in modules:
        tree.file(f"more/{module.name}.ko", module.content)
    tree.file("more/order", "".join(f"{module.name}\n" for module in modules).encode())
    target.write_bytes(guest.initrd.read_bytes() + gzip.compress(tree.archive(), 1, mtime=0))
    return target
