"""Which images a command is about: addresses, and what machinetypes need of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vcycle.core.config.model import Configuration, Machinetype
from vcycle.core.errors import VcycleError
from vcycle.core.images.address import is_url
from vcycle.core.images.needs import Need


def wanted(configuration: Configuration) -> dict[str, set[Need]]:
    """All addresses of images in a configuration, and what is needed of each."""
    found: dict[str, set[Need]] = {}
    for machinetype in _machinetypes(configuration):
        for url, need in images_of(machinetype):
            found.setdefault(url, set()).add(need)
    return found


def images_of(machinetype: Machinetype) -> Iterator[tuple[str, Need]]:
    """The addresses that a machinetype names, and what it needs of each."""
    need = Need(
        sha256=machinetype.root_image_sha256 or "", signing_dn=machinetype.image_signing_dn or ""
    )
    for reference, needed in (
        (machinetype.root_image, need),
        (machinetype.kernel, Need()),
        (machinetype.initrd, Need()),
    ):
        if reference is not None and is_url(reference):
            yield reference, needed


def chosen(configuration: Configuration, which: Sequence[str]) -> dict[str, set[Need]]:
    """
    What the command line means: addresses and machinetypes, or all.

    :raises VcycleError: there is no such machinetype, or it names no address.
    """
    every = wanted(configuration)
    if not which:
        return every
    found: dict[str, set[Need]] = {}
    for name in which:
        if is_url(name):
            found[name] = every.get(name, set())
            continue
        same = [each for each in _machinetypes(configuration) if each.name == name]
        if not same:
            raise VcycleError(f"{name!r}: no such machinetype, and no address; see vcycle check")
        urls = [url for each in same for url, _ in images_of(each)]
        if not urls:
            raise VcycleError(f"machinetype {name}: its images are local files")
        found.update((url, every[url]) for url in urls)
    return found


def _machinetypes(configuration: Configuration) -> Iterator[Machinetype]:
    for space in configuration.spaces.values():
        yield from space.machinetypes.values()
