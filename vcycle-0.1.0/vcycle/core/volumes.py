"""Storage pools and their volumes in libvirt's XML."""

from __future__ import annotations

from xml.etree import ElementTree

from vcycle.core.mark import fit

_add = ElementTree.SubElement


def pool_xml(group: str) -> str:
    """The pool of a volume group of LVM that is there already."""
    root = ElementTree.Element("pool", type="logical")
    _add(root, "name").text = fit(group, "volume group")
    source = _add(root, "source")
    _add(source, "name").text = group
    _add(source, "format", type="lvm2")
    _add(_add(root, "target"), "path").text = f"/dev/{group}"
    return ElementTree.tostring(root, encoding="unicode")


def volume_xml(name: str, size: int) -> str:
    """
    A raw volume of ``size`` bytes, all of which are its own from the start.

    With less allocated LVM would make a snapshot that fills up, and what a pool has left
    would not be what it says.
    """
    root = ElementTree.Element("volume")
    _add(root, "name").text = fit(name, "volume")
    _add(root, "capacity", unit="bytes").text = str(size)
    _add(root, "allocation", unit="bytes").text = str(size)
    _add(_add(root, "target"), "format", type="raw")
    return ElementTree.tostring(root, encoding="unicode")
