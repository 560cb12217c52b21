"""Which kernel modules the guest needs, and in what order they load."""

from __future__ import annotations

import gzip
import lzma
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from attrs import frozen

# What a machine of ours has on its bus: a network card and disks.
WANTED = ("virtio_pci", "virtio_net", "virtio_blk")


@frozen
class Module:
    """A module's name as the kernel spells it, and its unpacked content."""

    name: str
    content: bytes


def modules_under(root: Path) -> dict[str, Path]:
    """All modules of an unpacked kernel package, by name."""
    found = root.glob("lib/modules/*/kernel/**/*.ko*")
    return {path.name.partition(".ko")[0].replace("-", "_"): path for path in found}


def in_load_order(wanted: Iterable[str], files: Mapping[str, Path]) -> tuple[Module, ...]:
    """
    The wanted modules and all they depend on, each after what it depends on.

    A name without a file is built into the kernel, or not needed there.
    """
    ordered: dict[str, Module] = {}

    def add(name: str) -> None:
        if name in ordered or name not in files:
            return
        content = _content(files[name])
        for needed in dependencies(content):
            add(needed)
        ordered[name] = Module(name, content)

    for name in wanted:
        add(name)
    return tuple(ordered.values())


def dependencies(content: bytes) -> tuple[str, ...]:
    """What a module names in its ``.modinfo`` as needed before it."""
    hard = re.search(rb"\0depends=([^\0]*)\0", content)
    soft = re.findall(rb"\0softdep=pre: ([^\0]*)\0", content)
    names = (hard[1].split(b",") if hard else []) + [name for text in soft for name in text.split()]
    return tuple(name.decode("ascii").replace("-", "_") for name in names if name)


def _content(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    return gzip.decompress(data) if path.suffix == ".gz" else data
